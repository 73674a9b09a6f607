# The documentation site.
.PHONY: docs test-docs

docs: .venv/.docs ## build the documentation site in build/site, which a browser opens from the disk
	rm -rf build/site build/site-doctrees
	$(BIN)/python -m sphinx -b html -qW --keep-going -c docs/site -d build/site-doctrees . build/site

test-docs: docs ## check the documentation site: links, figures, commands, and accessibility if there is a Chromium
	$(BIN)/python -m pytest tests_docs $(ARGS)
