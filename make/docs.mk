# The documentation site. Its tutorials are run, unless build/tutorials has their results.
.PHONY: docs gallery test-docs

docs: .venv/.docs ## build the documentation site in build/site, which a browser opens from the disk
	rm -rf build/site build/site-doctrees
	$(BIN)/python -m sphinx -b html -qW --keep-going -c docs/site -d build/site-doctrees . build/site

gallery: docs ## draw the pictures of the tutorials again, for docs/tutorials/index.md
	$(BIN)/python docs/site/gallery.py

# Without a Chromium, and without the right to install one, the tests that need it say so and are skipped.
test-docs: docs ## check the documentation site: links, figures, commands, and accessibility if there is a Chromium
	@$(call from_debian,chromium,chromium)
	$(BIN)/python -m pytest tests_docs $(ARGS)
