# The command mri-denoise with its weights, as a BIDS App: docs/container.md. `make container` builds it.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Wheels of PyTorch: `cpu`, or a CUDA version as PyTorch names it, such as `cu130`. An empty TORCH_INDEX takes the build
# of pip's own index.
ARG TORCH_BUILD=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl/${TORCH_BUILD}
ARG VERSION=0.12.0
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /src
# Without pip: nothing is installed into the finished image.
RUN python3 -m venv --without-pip /opt/mri-denoise
# torch first and alone: it is the largest, and stays in the cache of the builder while our code changes. The secret, a
# pip.conf, is for those whose pip goes through a mirror; it is left in no layer.
COPY constraints.txt .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    if [ -n "${TORCH_INDEX}" ]; then export PIP_INDEX_URL="${TORCH_INDEX}"; fi; \
    python3 -m pip --python /opt/mri-denoise/bin/python install "$(grep '^torch==' constraints.txt)"
# Of ITK what reads and writes images; the rest is 0.6 GB.
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY monai_unsup_denoise monai_unsup_denoise
COPY transforms transforms
COPY bundles bundles
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m pip --python /opt/mri-denoise/bin/python install -c constraints.txt . \
    && python3 -m pip --python /opt/mri-denoise/bin/python uninstall --yes \
        itk-filtering itk-registration itk-segmentation \
    && test "$(/opt/mri-denoise/bin/mri-denoise --version)" = "mri-denoise ${VERSION}"
COPY --chmod=755 apps/container/entrypoint.sh /opt/mri-denoise/bin/entrypoint.sh

FROM ${BASE}
ARG VERSION=0.12.0
ARG SOURCE=
LABEL org.opencontainers.image.title="monai-unsup-denoise" \
      org.opencontainers.image.description="MRI denoising learned from unpaired noisy and clean images: a BIDS App" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.authors="The monai-unsup-denoise authors"
COPY --from=build /opt/mri-denoise /opt/mri-denoise
# Any user may run it, without a home, in a root file system that cannot be written: caches go to /tmp. The packages in
# the home folder, which Apptainer mounts, are not ours.
ENV PATH=/opt/mri-denoise/bin:${PATH} \
    LANG=C.UTF-8 \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    MRI_DENOISE_CACHE=/tmp/cache/mri-denoise \
    TORCHINDUCTOR_CACHE_DIR=/tmp/cache/torchinductor \
    PYTHONNOUSERSITE=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 1000:1000
ENTRYPOINT ["/opt/mri-denoise/bin/entrypoint.sh"]
CMD ["--help"]
