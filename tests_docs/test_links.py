"""Every internal link, anchor, image and file of the site is there, and nothing comes from elsewhere."""

import re

from tests_docs.pages import css_urls, is_external


def test_internal_links_resolve(pages):
    broken = []
    for page in pages.values():
        for link in page.links:
            if is_external(link):
                continue
            path, anchor = page.target(link)
            if not path.is_file():
                broken.append(f"{page.path.name}: {link}: no such file")
            elif anchor and path.suffix == ".html" and anchor not in pages[path].ids:
                broken.append(f"{page.path.name}: {link}: no such anchor")
    assert not broken, "\n".join(broken)


def test_only_links_to_folders_become_text(pages, site):
    """The hook `folder_links` writes where the folder is; a page beside it, such as trust.md, can be linked."""
    named = [(path, name) for path in pages for name in re.findall(r"\(folder ([^)]+)\)", path.read_text("utf-8"))]
    assert named
    assert not [(path.name, name) for path, name in named if (site / name).with_suffix(".html") in pages]


def test_linked_tables_are_those_of_the_repository(pages, repository):
    committed = {path.read_bytes() for path in (repository / "docs").rglob("*.csv")}
    linked = [page.target(link)[0] for page in pages.values() for link in page.links if link.endswith(".csv")]
    assert len({path.name for path in linked}) > 10
    assert all(path.read_bytes() in committed for path in linked)


def test_images_exist(pages):
    shown = [(page, image) for page in pages.values() for image in page.images]
    missing = [f"{page.path.name}: {image}" for page, image in shown if not page.target(image)[0].is_file()]
    assert len(shown) > 20
    assert not missing, "\n".join(missing)


def test_figures_of_the_docs_are_shown(pages, repository):
    shown = {page.target(image)[0].read_bytes() for page in pages.values() for image in page.images}
    figures = list((repository / "docs").rglob("*.png"))
    assert not [str(path) for path in figures if path.read_bytes() not in shown]


def test_pages_load_files_of_the_site_alone(pages):
    loaded = [(page, name) for page in pages.values() for name in page.loads if not name.startswith("data:")]
    wrong = [f"{page.path.name}: {name}" for page, name in loaded if is_external(name) or name.startswith("/")]
    wrong += [f"{page.path.name}: {name}" for page, name in loaded if not page.target(name)[0].is_file()]
    assert loaded
    assert not wrong, "\n".join(wrong)


def test_style_sheets_load_files_of_the_site_alone(site):
    sheets = list(site.rglob("*.css"))
    urls = [(sheet, url) for sheet in sheets for url in css_urls(sheet.read_text(encoding="utf-8"))]
    assert sheets
    assert not [f"{sheet.name}: {url}" for sheet, url in urls if is_external(url)]


def test_every_page_is_in_the_navigation(pages, site):
    front = pages[site / "index.html"]
    reached = {front.path, *(front.target(link)[0] for link in front.links if not is_external(link))}
    reference = pages[site / "docs" / "site" / "api" / "index.html"]
    reached |= {reference.target(link)[0] for link in reference.links if not is_external(link)}
    made_by_sphinx = {"search.html", "genindex.html", "py-modindex.html", "README.html"}
    assert not [str(path) for path in pages if path not in reached and path.name not in made_by_sphinx]
