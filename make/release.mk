# A release: what is published, and what is checked before. Nothing here publishes anything.
.PHONY: release

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' monai_unsup_denoise/__init__.py)

# `build` makes the wheel from the sdist, so that both are complete.
release: .venv/.release ## build sdist and wheel, denoise with the wheel in an empty environment, list its parts (minutes)
	$(BIN)/python -m pytest -q tests/repository/test_model_card.py tests/repository/test_recipe.py
	rm -rf dist build/release
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m venv build/release
	build/release/bin/python -m pip install -qq --no-input --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	build/release/bin/python -m pip install -qq --no-input --disable-pip-version-check -c constraints.txt dist/*.whl
	@# Once more by its name: given a file, pip records its path, which the list of parts would show.
	build/release/bin/python -m pip install -qq --no-input --disable-pip-version-check --no-deps --no-index \
		--force-reinstall -f dist monai-unsup-denoise==$(VERSION)
	INSTALLED=build/release $(BIN)/python -m pytest -q -m slow tests/repository/test_bare_installation.py
	$(BIN)/cyclonedx-py environment build/release/bin/python --output-reproducible --output-file dist/sbom.cdx.json
	! grep -q file:// dist/sbom.cdx.json
	rm -rf build/release
	@ls -l dist
	@echo "To release: date the section [$(VERSION)] of CHANGELOG.md, then git tag -a v$(VERSION) -m 'Version $(VERSION)'"
