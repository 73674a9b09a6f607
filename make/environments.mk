# The Python environments: one for us, one for each set of packages that does not fit in with ours.

# torch goes first and alone, so that its build (CPU or CUDA, whichever the index offers) is settled before the rest.
$(STAMP): setup.cfg pyproject.toml constraints.txt
	@found=; for python in $(PYTHONS); do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; \
		then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "make: no Python 3.10, 3.11 or 3.12 with the venv module among: $(PYTHONS)." \
			"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	echo "Installing into .venv with $$("$$found" --version) (once; some minutes)"; \
	"$$found" -m venv .venv
	@$(PIP) "$$(grep '^torch==' constraints.txt)"
	@$(PIP) -e '.[train,benchmark,scale,dicom-node,federated,test,dev]'
	@touch $@

.venv/.docs: $(STAMP)
	@$(PIP) -e '.[docs]'
	@touch $@

.venv/.release: $(STAMP)
	@$(PIP) -e '.[release]'
	@touch $@

.venv/.workflows: $(STAMP)
	@$(PIP) -e '.[workflows]'
	@touch $@

# Pins and licences of the baselines conflict with ours, hence their own environment. Noise2Void brings its own torch.
.baselines/.installed: requirements-baselines.txt $(STAMP)
	@echo "Installing into .baselines (once; some gigabytes)"
	@$(BIN)/python -m venv .baselines
	@.baselines/bin/python -m pip install -qq --no-input --disable-pip-version-check -r requirements-baselines.txt
	@touch $@

# Of the test tools pytest alone: the tests run the application as a process. The framework requires pip > 25.1.
.deploy/.installed: apps/deploy/requirements.txt setup.cfg $(STAMP)
	@echo "Installing into .deploy (once; some minutes)"
	@$(BIN)/python -m venv .deploy
	@$(DEPLOY_PIP) -U pip
	@$(DEPLOY_PIP) "$$(grep '^torch==' apps/deploy/requirements.txt)"
	@$(DEPLOY_PIP) -r apps/deploy/requirements.txt -e . nvidia-cuda-runtime pytest
	@touch $@

# The newest pip, for --build-constraint. The torchvision of the index may be of another build than its torch: see the
# docstring of the last file.
LABEL_PIP = .label/bin/python -m pip install -qq --no-input --disable-pip-version-check
.label/.installed: $(wildcard apps/label/*.txt) apps/label/cuda_torchvision_beside_cpu_torch.py setup.cfg $(STAMP)
	@echo "Installing into .label (once; some minutes, 4 GB)"
	@$(BIN)/python -m venv .label
	@$(LABEL_PIP) --upgrade 'pip>=25.3'
	@$(LABEL_PIP) "$$(grep '^torch==' apps/label/constraints.txt)"
	@$(LABEL_PIP) --build-constraint apps/label/build-constraints.txt -c apps/label/constraints.txt \
		-r apps/label/requirements.txt -r apps/label/requirements-test.txt -e '.[train]'
	@.label/bin/python -c 'import torchvision' 2>/dev/null || cp apps/label/cuda_torchvision_beside_cpu_torch.py \
		"$$(.label/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sitecustomize.py"
	@touch $@

# $(call from_debian,command,packages): install packages unless the command is there, where that is allowed. One at a
# time, for `make -j2`.
define from_debian
if ! command -v $(1) >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	flock .venv/apt.lock sh -c 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y $(2) >/dev/null'; fi
endef
