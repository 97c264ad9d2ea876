"""The page: it opens offline, everybody can read it, and nothing in it is taken for markup."""

import datetime
import re
import threading
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from lepton_platform.errors import HookError
from lepton_platform.report import figures
from lepton_platform.report.html import render
from lepton_platform.report.section import Figure, Section

VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    """What a browser would find: elements with their attributes and their text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[int] = []
        self.feed(source)
        self.close()
        assert not self._open, f"left open: {[self.elements[place][0] for place in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append("")
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag, f"closed out of order: {tag}"

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.texts[place] += data

    def all(self, *tags: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of each element of these tags, in the page's order."""
        found = zip(self.elements, self.texts, strict=True)
        return [(attributes, text) for (tag, attributes), text in found if tag in tags]

    def text_of(self, *tags: str) -> list[str]:
        return [" ".join(text.split()) for _, text in self.all(*tags)]


def page_of(*contents: object) -> Page:
    """The page of one section that holds these contents."""
    return Page(render("Title", "Subtitle", [Section("Section", list(contents))], {}))


def cells_of(values: object, name: str = "x") -> list[str]:
    """How one column's cells are written."""
    return page_of(pd.DataFrame({name: values})).text_of("td")


def plotted() -> Figure:
    truth = np.array([0, 1] * 50)
    return figures.reliability(truth, np.linspace(0, 1, 100))


def full_report() -> list[Section]:
    table = pd.DataFrame({"model": ["ensemble", "tree"], "AUC": [0.81234, 0.7]})
    curve = figures.curve([0, 1, 2], {"loss": [3, 2, 1]}, "epoch", "loss")
    return [
        Section("Leaderboard", ["Two models.", table, plotted(), curve], order=20),
        Section("Verdict", "It beats the baseline.\n\n- by much\n- at once", order=0),
        Section("Calibration", (plotted(), plotted()), order=30, origin="acme-forest"),
        Section("Appendix", "Nothing.", order=30),
    ]


FACTS = {"run": "20260314-a91f", "seed": "7"}


class TestPage:
    page = Page(render("Credit risk", "6,000 loans", full_report(), FACTS))

    def test_it_refers_to_nothing_outside_itself(self):
        for tag, attributes in self.page.elements:
            for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
        assert "http://" not in render("t", "s", full_report(), FACTS)
        assert "https://" not in render("t", "s", full_report(), FACTS)
        assert not re.search(r"url\((?!#)|@import", render("t", "s", full_report(), FACTS))

    def test_it_has_no_script_and_forbids_it(self):
        assert not self.page.all("script")
        policies = [
            attributes["content"]
            for attributes, _ in self.page.all("meta")
            if attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1
        assert "default-src 'none'" in policies[0]
        assert "script-src" not in policies[0]

    def test_it_names_its_language_and_fits_the_screen(self):
        assert self.page.all("html")[0][0]["lang"] == "en"
        viewports = [a for a, _ in self.page.all("meta") if a.get("name") == "viewport"]
        assert viewports[0]["content"] == "width=device-width, initial-scale=1"
        assert self.page.text_of("title") == ["Credit risk"]

    def test_headings_are_one_h1_and_then_h2_only(self):
        order = [tag for tag, _ in self.page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert order[0] == "h1"
        assert set(order[1:]) == {"h2"}

    def test_sections_stand_by_order_then_title(self):
        titles = ["Verdict", "Leaderboard", "Appendix", "Calibration"]
        assert self.page.text_of("h2") == [*titles, "How to reproduce"]

    def test_the_first_section_alone_is_set_apart(self):
        classes = [attributes.get("class") for attributes, _ in self.page.all("section")]
        assert classes == ["verdict", None, None, None]

    def test_contents_and_skip_link_lead_somewhere(self):
        ids = {attributes["id"] for _, attributes in self.page.elements if "id" in attributes}
        links = [attributes["href"] for attributes, _ in self.page.all("a")]
        assert len(links) == 6
        assert links[0] == "#content"
        assert {link.removeprefix("#") for link in links} <= ids

    def test_every_section_is_labelled_by_its_heading(self):
        titles = {attributes["id"]: text for attributes, text in self.page.all("h2") if "id" in attributes}
        labels = [titles[attributes["aria-labelledby"]] for attributes, _ in self.page.all("section")]
        assert labels == ["Verdict", "Leaderboard", "Appendix", "Calibration"]

    def test_ids_are_unique_though_figures_are_alike(self):
        ids = [attributes["id"] for _, attributes in self.page.elements if "id" in attributes]
        assert len(ids) == len(set(ids))

    def test_every_reference_in_a_picture_is_to_an_id_of_the_same_picture(self):
        source = render("t", "s", full_report(), FACTS)
        pictures = re.findall(r"<svg.*?</svg>", source, re.DOTALL)
        assert len(pictures) == 4
        for picture in pictures:
            ids = set(re.findall(r' id="([^"]+)"', picture))
            assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', picture))
            for groups in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', picture):
                assert "".join(groups) in ids

    def test_every_picture_has_a_text_alternative(self):
        pictures = self.page.all("svg", "img")
        assert len(pictures) == 4
        for attributes, _ in pictures:
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 30

    def test_text_in_pictures_stays_text_in_the_pages_font(self):
        assert "observed rate" in self.page.text_of("text")
        assert not any(
            "font-family" in attributes.get("style", "") for attributes, _ in self.page.all("text")
        )

    def test_facts_stand_at_the_end(self):
        assert list(zip(self.page.text_of("dt"), self.page.text_of("dd"), strict=True)) == list(FACTS.items())

    def test_an_extensions_section_says_so(self):
        assert "Added by acme-forest." in self.page.text_of("p")

    def test_it_prints_without_its_navigation(self):
        style = self.page.text_of("style")[0]
        printed = style[style.index("@media print") :]
        assert "nav, .skip { display: none; }" in printed
        assert "break-inside: avoid" in printed


def test_the_same_input_gives_the_same_page():
    first, second = (render("t", "s", full_report(), FACTS) for _ in range(2))
    assert first == second


def test_drawing_the_very_same_figure_again_gives_the_same_page():
    truth, scores = np.array([0, 1, 1] * 40), np.linspace(0, 1, 120)
    importances = pd.Series(np.linspace(1, 3, 20), index=[f"feature {place}" for place in range(20)])
    contents = [
        figures.roc(truth, {"a": scores, "b": 1 - scores}),
        figures.bars(importances, "Importance", "loss"),
    ]
    assert page_source(contents) == page_source(contents)


def page_source(content: object) -> str:
    return render("t", "s", [Section("S", content)], {})


def test_pages_drawn_at_once_do_not_disturb_each_other():
    expected = page_source(plotted())
    drawn: list[str] = []
    threads = [threading.Thread(target=lambda: drawn.append(page_source(plotted()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [expected] * 4


def test_a_full_report_stays_small():
    sections = full_report()
    sections += [Section(f"More {n}", [plotted(), pd.DataFrame(np.ones((5000, 12)))]) for n in range(5)]
    assert len(render("t", "s", sections, FACTS).encode()) < 700_000


def test_a_report_without_sections_is_still_a_page():
    page = Page(render("t", "", [], {}))
    assert page.text_of("h1") == ["t"]
    assert not page.all("nav", "footer", "section")


class TestText:
    def test_empty_lines_part_paragraphs(self):
        assert page_of("One\nline.\n\nTwo.\n \nThree.").text_of("p")[1:] == ["One line.", "Two.", "Three."]

    def test_lines_with_a_dash_are_a_list(self):
        page = page_of("Two things:\n- first\n  goes on\n- second\nAnd more.\n\n- third")
        assert page.text_of("li") == ["Section", "first goes on", "second", "third"]
        assert page.text_of("p")[1:] == ["Two things:", "And more."]
        assert len(page.all("ul")) == 2

    def test_a_negative_number_is_no_list(self):
        assert page_of("-3 is below 0").text_of("p")[1:] == ["-3 is below 0"]

    def test_empty_text_shows_nothing(self):
        assert page_of("").text_of("p") == ["Subtitle"]


class TestEscaping:
    def test_markup_is_shown_as_text_wherever_it_stands(self):
        frame = pd.DataFrame({EVIL: [EVIL]}, index=pd.Index([EVIL], name=EVIL))
        frame.attrs["caption"] = EVIL
        figure = figures.bars(pd.Series({EVIL: 1.0}), EVIL, EVIL)
        described = Figure(figure.figure, alt=EVIL + '"', caption=EVIL)
        sections = [Section(EVIL, [EVIL, f"- {EVIL}", frame, described], origin=EVIL)]
        page = Page(render(EVIL, EVIL, sections, {EVIL: EVIL}))
        assert not page.all("script")
        for tag in (
            "title",
            "h1",
            "h2",
            "p",
            "li",
            "th",
            "td",
            "caption",
            "figcaption",
            "dt",
            "dd",
            "a",
            "text",
        ):
            assert any(EVIL in text for _, text in page.all(tag)), tag
        assert page.all("svg")[0][0]["aria-label"] == EVIL + '"'


class TestNumbers:
    @pytest.mark.parametrize(
        ("values", "written"),
        [
            ([0.812345, 0.5], ["0.8123", "0.5000"]),
            ([0.25, 0.5], ["0.25", "0.50"]),
            ([12.3456, 1.5], ["12.35", "1.50"]),
            ([1234567.891, 12.3], ["1,234,568", "12"]),
            ([2023.0, 2024.0], ["2023", "2024"]),
            ([1.0, np.nan, 3.0], ["1", "–", "3"]),
            ([-0.00001, 0.8123], ["-1e-05", "0.8123"]),
            ([0.00001234], ["1.234e-05"]),
            ([12000.5, 0.25], ["12,000", "0.25"]),
            ([5.0, 12000.0], ["5", "12,000"]),
            ([np.inf, -np.inf, 1.5], ["∞", "-∞", "1.5"]),
            ([0.0, 0.0], ["0", "0"]),
            ([np.nan, np.nan], ["–", "–"]),
            ([-1e-20, 1.5], ["-1e-20", "1.5"]),
            ([1, 20, 300], ["1", "20", "300"]),
            ([2023, 2024], ["2023", "2024"]),
            ([2023, 1234567], ["2,023", "1,234,567"]),
        ],
    )
    def test_a_column_is_rounded_to_what_can_be_read(self, values, written):
        assert cells_of(values) == written

    @pytest.mark.parametrize("name", ["share %", "caught, %", "%"])
    def test_shares_are_percent_where_the_columns_name_says_so(self, name):
        assert cells_of([0.12345, 0.5, np.nan], name) == ["12.35 %", "50.00 %", "–"]

    def test_no_other_column_is_percent(self):
        assert cells_of([0.12345], "% share") == ["0.1235"]

    def test_numbers_stand_on_the_right_and_text_on_the_left(self):
        page = page_of(pd.DataFrame({"n": [1], "x": [0.5], "name": ["a"], "ok": [True]}))
        for tag in ("th", "td"):
            classes = [attributes.get("class") for attributes, _ in page.all(tag)]
            assert classes == ["number", "number", "unbroken", "unbroken"]

    @pytest.mark.parametrize("name", ["case", "loan_id", "ID"])
    def test_ids_are_no_quantities(self, name):
        assert cells_of([1234567], name) == ["1234567"]


class TestTable:
    @pytest.mark.parametrize(
        ("values", "written"),
        [
            ([True, False], ["yes", "no"]),
            ([True, None], ["yes", "–"]),
            (["a", None], ["a", "–"]),
            (pd.array([1, None], dtype="Int64"), ["1", "–"]),
            (pd.array([True, None], dtype="boolean"), ["yes", "–"]),
            (pd.Categorical(["low", "high"]), ["low", "high"]),
            (pd.to_datetime(["2024-02-29", None]), ["2024-02-29", "–"]),
            (pd.to_datetime(["2024-02-29 13:05"]), ["2024-02-29 13:05:00"]),
            ([datetime.date(2024, 2, 29)], ["2024-02-29"]),
            ([[1, 2], {"a": 1}], ["[1, 2]", "{'a': 1}"]),
            (["a", 0.123456, 3], ["a", "0.1235", "3"]),
        ],
    )
    def test_each_kind_of_value_is_written_in_words(self, values, written):
        assert cells_of(values) == written

    def test_columns_and_rows_are_named_by_headers_with_a_scope(self):
        frame = pd.DataFrame({"value": [1.0]}, index=pd.Index(["ensemble"], name="model"))
        headers = page_of(frame).all("th")
        assert [(text, attributes["scope"]) for attributes, text in headers] == [
            ("model", "col"),
            ("value", "col"),
            ("ensemble", "row"),
        ]

    def test_an_index_that_only_counts_is_not_shown(self):
        assert page_of(pd.DataFrame({"x": [5, 6]})).text_of("th") == ["x"]

    def test_ids_in_an_index_are_shown_as_they_are(self):
        frame = pd.DataFrame({"x": [0.5]}, index=[1234567])
        assert page_of(frame).text_of("th") == ["row", "x", "1234567"]

    def test_every_level_of_an_index_is_a_column(self):
        frame = pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([("a", 3)], names=["kind", "fold"]))
        assert page_of(frame).text_of("th") == ["kind", "fold", "x", "a", "3"]

    def test_columns_may_have_levels_or_one_name_twice(self):
        levels = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("AUC", "low"), ("AUC", "")]))
        assert page_of(levels).text_of("th") == ["AUC · low", "AUC"]
        twice = pd.DataFrame([["a", 2]], columns=["x", "x"])
        assert page_of(twice).text_of("td") == ["a", "2"]

    def test_every_table_has_a_caption_of_its_own_and_can_be_scrolled_by_keyboard(self):
        own = pd.DataFrame({"x": [1]})
        own.attrs["caption"] = "Costs in EUR"
        page = page_of(pd.DataFrame({"x": [1]}), own, pd.DataFrame({"x": [1]}))
        captions = ["Section", "Costs in EUR", "Section, table 3"]
        assert page.text_of("caption") == captions
        boxes = [a for a, _ in page.all("div") if a.get("class", "").startswith("scroll")]
        assert [(box["tabindex"], box["role"], box["aria-label"]) for box in boxes] == [
            ("0", "region", caption) for caption in captions
        ]

    @pytest.mark.parametrize(
        ("rows", "note"),
        [(200, []), (201, ["1 more row not shown."]), (3456, ["3,256 more rows not shown."])],
    )
    def test_at_most_two_hundred_rows_are_shown(self, rows, note):
        page = page_of(pd.DataFrame({"x": range(rows)}))
        assert len(page.all("td")) == min(rows, 200)
        assert page.text_of("p")[1:] == note

    @pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"x": []}), pd.DataFrame(index=[1, 2])])
    def test_an_empty_frame_is_an_empty_table(self, frame):
        assert not page_of(frame).all("td")

    def test_the_frame_is_left_as_it_was(self):
        frame = pd.DataFrame({"x": [1.5, np.nan]}, index=["a", "b"])
        before = frame.copy()
        page_of(frame)
        pd.testing.assert_frame_equal(frame, before)


class TestFigure:
    def test_a_plugins_own_figure_is_drawn_with_its_caption(self):
        chart = matplotlib.figure.Figure(figsize=(12, 3))
        axes = chart.subplots()
        axes.imshow(np.eye(3))
        axes.set_title('id="p1" url(#p1)', gid="own", url="https://example.org")
        page = page_of(Figure(chart, alt="A diagonal of ones.", caption="Identity"))
        assert page.text_of("figcaption") == ["Identity"]
        assert 'id="p1" url(#p1)' in page.text_of("text")
        assert any(attributes["href"].startswith("data:image/png") for attributes, _ in page.all("image"))
        assert not any(
            "example.org" in value for _, attributes in page.elements for value in attributes.values()
        )

    def test_a_wide_figure_can_be_scrolled_by_keyboard(self):
        wide, narrow = (matplotlib.figure.Figure(figsize=(width, 3)) for width in (12, 5))
        page = page_of(Figure(wide, alt="wide"), Figure(narrow, alt="narrow"))
        boxes = [attributes for attributes, _ in page.all("div") if attributes.get("class") == "picture"]
        assert [box.get("tabindex") for box in boxes] == ["0", None]

    def test_a_picture_is_well_formed_and_undated(self):
        picture = re.search(r"<svg.*?</svg>", page_source(plotted()), re.DOTALL)
        assert picture is not None
        tags = {element.tag for element in ElementTree.fromstring(picture[0]).iter()}
        assert {"svg", "path", "text"} <= tags
        assert not tags & {"metadata", "style", "script"}


class TestContentThatCannotBeShown:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "NoneType"),
            (3, "int"),
            (["fine", {"a": 1}], "dict"),
            (pd.Series([1]), "Series; .*to_frame"),
            (matplotlib.figure.Figure(), "Figure; .*Wrap it"),
            (Figure("no chart", alt="x"), "str; .*matplotlib figure"),
        ],
    )
    def test_the_error_names_section_and_type(self, content, words):
        with pytest.raises(HookError, match=f"section 'Costs' has content of type {words}"):
            render("t", "s", [Section("Costs", content)], {})

    def test_the_error_names_the_extension(self):
        with pytest.raises(HookError, match="section 'Costs' of acme-forest has content of type int"):
            render("t", "s", [Section("Costs", 3, origin="acme-forest")], {})

    def test_a_figure_without_words_is_refused(self):
        with pytest.raises(HookError, match="section 'Costs' has a figure without alt text"):
            render("t", "s", [Section("Costs", Figure(matplotlib.figure.Figure(), alt=" "))], {})
