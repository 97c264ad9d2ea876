"""Reading tables: what comes back equals what pandas or sqlite3 read; what cannot be used says why."""

import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from lepton_platform.data.dataset import Source
from lepton_platform.data.readers import read_batches, read_table
from lepton_platform.errors import DataError

LOANS = "amount,grade,rate\n1000,A,3.5\n2500,B,\n400,A,9.25\n"


@pytest.fixture
def write(tmp_path):
    """Write text or bytes under a name, and return it as a source."""

    def write(name: str, content: str | bytes) -> Source:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Source(str(path))

    return write


def frame_of(source: Source) -> pd.DataFrame:
    table = read_table(source)
    assert table is not None
    return table.frame


def findings_of(source: Source) -> list[str]:
    table = read_table(source)
    assert table is not None
    return [f"{finding.level}: {finding}" for finding in table.findings]


def faults_of(source: Source) -> str:
    """The message with which both functions refuse ``source``."""
    with pytest.raises(DataError) as whole:
        read_table(source)
    with pytest.raises(DataError) as batched:
        list(read_batches(source, rows=2) or ())
    assert str(whole.value) == str(batched.value)
    assert all(finding.level != "error" or finding.remedy for finding in whole.value.findings)
    return str(whole.value)


# What is read


def test_a_plain_csv_is_what_pandas_reads_and_needs_no_remark(write):
    source = write("loans.csv", LOANS)
    assert_frame_equal(frame_of(source), pd.read_csv(io.StringIO(LOANS)))
    assert findings_of(source) == []


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".data", ".CSV"])
def test_the_delimiter_is_found_and_said(write, delimiter, suffix):
    source = write("loans" + suffix, LOANS.replace(",", delimiter))
    assert_frame_equal(frame_of(source), pd.read_csv(io.StringIO(LOANS)))
    assert [finding.split(" is the ")[0] for finding in findings_of(source)] == ["note: the delimiter"]


def test_commas_inside_quotation_marks_and_texts_are_not_delimiters(write):
    text = 'name;note, if any\n"a;b";x, y\n"line\nbreak";z, "q"\n'
    assert frame_of(write("t.csv", text)).to_dict("list") == {
        "name": ["a;b", "line\nbreak"],
        "note, if any": ["x, y", 'z, "q"'],
    }


def test_one_column_needs_no_delimiter(write):
    assert frame_of(write("t.txt", "load\n1\n2\n")).to_dict("list") == {"load": [1, 2]}
    source = write("t.csv", "text\nHello, world\nBye\n")
    assert frame_of(source)["text"].tolist() == ["Hello, world", "Bye"]
    assert "read as one column" in findings_of(source)[0]


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", ""), ("utf-8-sig", "byte order mark"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_the_encoding_is_found_and_said(write, encoding, remark):
    text = "Straße,Preis\nGrößenweg,1\n20 € Süd,2\n"
    source = write("t.csv", text.encode(encoding))
    assert_frame_equal(frame_of(source), pd.read_csv(io.StringIO(text)))
    assert len(findings_of(source)) == bool(remark)
    assert all(remark in finding for finding in findings_of(source))


def test_bytes_that_windows_does_not_use_are_latin_1(write):
    source = write("t.csv", "city\nK\xf6ln\nx\x81\n".encode("latin-1"))
    assert frame_of(source)["city"].tolist() == ["Köln", "x\x81"]
    assert "Latin-1" in findings_of(source)[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_letter_late_in_a_large_file_decides_its_encoding(write, encoding):
    text = "n,s\n" + "".join(f"{n},plain\n" for n in range(200_000)) + "1,é\n"
    assert frame_of(write("t.csv", text.encode(encoding)))["s"].iloc[-1] == "é"


def test_a_decimal_comma_is_found_and_said(write):
    text = "item;price;date;code\na;12,5;01.02.2024;7\nb;1.234,56;02.02.2024;8\nc;;03.02.2024;9\n"
    source = write("t.csv", text)
    frame = frame_of(source)
    assert frame["price"].tolist()[:2] == [12.5, 1234.56]
    assert frame["price"].isna().tolist() == [False, False, True]
    assert frame["date"].tolist() == ["01.02.2024", "02.02.2024", "03.02.2024"]
    assert frame["code"].dtype == np.int64
    assert any("decimal comma" in finding for finding in findings_of(source))


def test_truth_values_beside_gaps_do_not_mind_decimal_commas(write):
    frame = frame_of(write("t.csv", "a;b\n1,5;True\n2,5;\n"))
    assert frame.to_dict("list") == {"a": [1.5, 2.5], "b": [True, pytest.approx(float("nan"), nan_ok=True)]}


def test_a_header_may_begin_like_a_binary_file(write):
    assert list(frame_of(write("t.csv", "PAR1,PAR2\n1,2\n"))) == ["PAR1", "PAR2"]


def test_a_number_with_a_point_among_decimal_commas_is_left_as_text_with_a_warning(write):
    source = write("t.csv", "a;b\n1,5;2.345\n2,5;3.456\n")
    assert frame_of(source)["b"].tolist() == ["2.345", "3.456"]
    assert findings_of(source)[-1].startswith("warning: column 'b' holds numbers with a point")


def test_a_comma_that_may_separate_thousands_is_not_taken_for_a_decimal_comma(write):
    assert frame_of(write("t.tsv", "visitors\tday\n1,234\t1\n2,345\t2\n"))["visitors"].tolist() == [
        "1,234",
        "2,345",
    ]


def test_large_whole_numbers_keep_their_digits_beside_missing_cells(write):
    text = "id,x\n9007199254740993,1\n,2\n9007199254740995,3\n"
    frame = frame_of(write("t.csv", text))
    assert frame["id"].tolist() == [9007199254740993, pd.NA, 9007199254740995]
    lines = '{"id": 9007199254740993}\n{"id": null}\n'
    assert frame_of(write("t.jsonl", lines))["id"].iloc[0] == 9007199254740993


def test_header_cells_are_stripped(write):
    assert list(frame_of(write("t.csv", " a , b\n1,2\n"))) == ["a", "b"]


def test_a_first_line_of_numbers_is_a_warning(write):
    source = write("t.csv", "5.1,3.5\n4.9,3.0\n")
    assert findings_of(source)[0].startswith("warning: the first line looks like data, not a header")


@pytest.mark.parametrize("tail", ["", "\n\n\n", "\r\n  \r\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_empty_lines_are_no_rows(write, end, tail):
    text = "\n" + LOANS + "\n" + LOANS.partition("\n")[2] + tail
    source = write("t.csv", text.replace("\n", end))
    assert_frame_equal(frame_of(source), pd.read_csv(io.StringIO(text)))


@pytest.mark.parametrize("rows", [3, 5_000, 60_000])
def test_quoted_line_breaks_across_chunks_are_not_ragged(write, rows):
    frame = pd.DataFrame(
        {
            "n": np.arange(rows),
            "text": ['two\nlines, "quoted", twice'] * rows,
            "last": [None, 1.5, None] * (rows // 3) + [None] * (rows % 3),
        }
    )
    text = frame.to_csv(index=False)
    assert_frame_equal(frame_of(write("t.csv", text)), pd.read_csv(io.StringIO(text)))


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_text_is_read(write, suffix, compress):
    assert_frame_equal(
        frame_of(write("t.csv" + suffix, compress(LOANS.encode()))), pd.read_csv(io.StringIO(LOANS))
    )
    lines = pd.read_csv(io.StringIO(LOANS)).to_json(orient="records", lines=True)
    assert frame_of(write("t.jsonl" + suffix, compress(lines.encode())))["grade"].tolist() == ["A", "B", "A"]


def test_a_zip_archive_holds_one_table(write, tmp_path):
    path = tmp_path / "t.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", LOANS)
        archive.writestr("__MACOSX/._t.csv", "x")
    assert_frame_equal(frame_of(Source(str(path))), pd.read_csv(io.StringIO(LOANS)))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("u.csv", LOANS)
    assert "holds 2 files (t.csv, u.csv)" in faults_of(Source(str(path)))


@pytest.mark.parametrize("suffix", [".parquet", ".pq"])
def test_parquet_keeps_types(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "id": pd.array([2**60 + 1, None], dtype="Int64"),
            "when": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "kind": pd.Categorical(["a", "b"]),
            "text": ["007", None],
        }
    )
    frame.to_parquet(tmp_path / f"t{suffix}")
    assert_frame_equal(frame_of(Source(str(tmp_path / f"t{suffix}"))), frame)


def test_a_named_or_dated_index_in_parquet_is_a_column_and_row_numbers_are_not(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["u", "v"], name="unit"))
    frame.to_parquet(path)
    assert_frame_equal(frame_of(Source(str(path))), frame.reset_index())
    frame.set_axis(pd.to_datetime(["2024-01-01", "2024-01-02"])).to_parquet(path)
    assert list(frame_of(Source(str(path)))) == ["index", "x"]
    frame.set_axis([7, 9]).to_parquet(path)
    assert_frame_equal(frame_of(Source(str(path))), pd.DataFrame({"x": [1, 2]}))


def test_the_first_sheet_of_a_workbook_is_read_and_the_others_are_named(tmp_path):
    path = tmp_path / "t.xlsx"
    frame = pd.DataFrame(
        {
            "id": ["007", "8"],
            "n": [1, 2],
            "x": [1.5, None],
            "day": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            2020: [1, 2],
        }
    )
    with pd.ExcelWriter(path) as book:
        frame.to_excel(book, sheet_name="cases", index=False, startrow=2)
        frame.to_excel(book, sheet_name="notes", index=False)
    assert_frame_equal(frame_of(Source(str(path))), frame.rename(columns=str))
    assert "'cases' was read, not 'notes'" in findings_of(Source(str(path)))[0]


def test_an_opendocument_sheet_is_read(tmp_path):
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'.format
    number = '<table:table-cell office:value-type="float" office:value="{0}"/>'.format
    rows = "".join(
        f"<table:table-row>{row}</table:table-row>" for row in (cell("a") + cell("b"), number(1) + cell("x"))
    )
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = f"<office:document-content {names}><office:body><office:spreadsheet>"
    content += f'<table:table table:name="s">{rows}</table:table></office:spreadsheet></office:body>'
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest:manifest/>")
        archive.writestr("content.xml", content + "</office:document-content>")
    assert frame_of(Source(str(tmp_path / "t.ods"))).to_dict("list") == {"a": [1], "b": ["x"]}


def test_json_lines_stay_what_json_says(write):
    rows = [{"id": 2**62 + 1, "code": "007", "date": "2024-01-01"}, {"id": 1, "code": "8", "more": [1]}]
    frame = frame_of(write("t.ndjson", "\n".join(map(json.dumps, rows)) + "\n\n"))
    assert frame["id"].tolist() == [2**62 + 1, 1]
    assert frame["code"].tolist() == ["007", "8"]
    assert frame["date"].iloc[0] == "2024-01-01"
    assert frame["more"].iloc[1] == [1]


def test_rows_in_memory_are_returned_as_they_are():
    rows = pd.DataFrame({"a": range(5)}, index=list("vwxyz"))
    table = read_table(Source(rows=rows))
    assert table is not None
    assert table.frame is rows
    assert table.findings == ()
    assert [len(batch) for batch in read_batches(Source(rows=rows), rows=2)] == [2, 2, 1]
    assert_frame_equal(pd.concat(read_batches(Source(rows=rows), rows=2)), rows)


@pytest.mark.parametrize(
    "uri", ["scan.dcm", "t.parquet.gz", "images.zip", "s3://bucket/t.csv", "https://x.y/t.csv"]
)
def test_other_kinds_of_source_are_left_to_others(uri):
    assert read_table(Source(uri)) is None
    assert read_batches(Source(uri)) is None


def test_a_folder_is_left_to_others(tmp_path):
    (tmp_path / "images.csv").mkdir()
    assert read_table(Source(str(tmp_path / "images.csv"))) is None
    assert read_batches(Source(str(tmp_path))) is None
    assert read_table(Source()) is None


# Databases


@pytest.fixture
def shop(tmp_path):
    """A database and its path."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE orders (id INTEGER, price REAL, name TEXT)")
        connection.execute('CREATE TABLE "order lines" (id INTEGER)')
        rows = [(n, n / 4, f"{n}% of :all") for n in range(250)]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
        connection.execute('INSERT INTO "order lines" VALUES (7)')
    yield connection, path
    connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id+1 AS next, price FROM orders WHERE name LIKE '1%' AND price >= 2",
        "SELECT name FROM orders WHERE name <> ' :all' AND 1=1",
    ],
)
def test_a_query_gives_what_sqlite_gives(shop, query):
    connection, path = shop
    expected = connection.execute(query).fetchall()
    source = Source(f"sqlite:///{path}?query={query}")
    assert list(frame_of(source).itertuples(index=False, name=None)) == expected
    batches = list(read_batches(source, rows=40))
    assert max(map(len, batches)) == 40
    assert_frame_equal(pd.concat(batches), frame_of(source))


def test_a_query_may_be_url_encoded(shop):
    assert frame_of(Source(f"sqlite:///{shop[1]}?query=SELECT+id%2B1+AS+n+FROM+orders"))["n"].iloc[0] == 1


def test_a_whole_table_is_read_by_its_name(shop):
    assert len(frame_of(Source(f"sqlite:///{shop[1]}?table=orders"))) == 250
    assert frame_of(Source(f"sqlite:///{shop[1]}?timeout=5&table=order lines"))["id"].tolist() == [7]
    assert len(frame_of(Source(f"sqlite:///{shop[1]}?table=main.orders"))) == 250


def test_a_url_without_a_query_says_how_to_write_one_and_lists_the_tables(shop):
    message = faults_of(Source(f"sqlite:///{shop[1]}"))
    assert "?query=SELECT" in message
    assert "order lines, orders" in message


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ("table=order", "there is no table 'order'. Did you mean 'orders'?"),
        ("query=SELECT absent FROM orders", "no such column: absent"),
        ("query=SELEC", "syntax error"),
        ("query=SELECT id, id FROM orders", "column 'id' stands 2 times"),
        ("query=SELECT * FROM orders WHERE id < 0", "there are no rows"),
    ],
)
def test_what_the_database_refuses_is_said(shop, request_, reason):
    assert reason in faults_of(Source(f"sqlite:///{shop[1]}?{request_}"))


def test_a_missing_database_is_not_created(shop):
    message = faults_of(Source(f"sqlite:///{shop[1].parent}/shap.db?table=orders"))
    assert "Did you mean 'shop.db'?" in message
    assert not (shop[1].parent / "shap.db").exists()


def test_a_file_that_is_no_database_is_said(write):
    assert "not a database" in faults_of(Source(f"sqlite:///{write('t.db', LOANS * 100)}?table=t"))


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql+psycopg2://me:s3cret@localhost:1/shop?table=orders",
        "mysql://me:s3cret@localhost:1/shop?table=orders",
        "mysql://me:s3cret@localhost:port/shop?table=orders",
        "sqlite://me:s3cret@localhost/shop?table=orders",
        "sqlite:///nowhere/shop.db?table=orders&password=s3cret",
    ],
)
def test_a_password_is_never_shown(uri):
    assert "s3cret" not in faults_of(Source(uri))


# What cannot be used


def test_a_missing_file_suggests_the_nearest_name(write):
    loans = write("loans.csv", LOANS)
    assert "Did you mean 'loans.csv'?" in faults_of(Source(str(loans).replace("loans.csv", "laons.csv")))
    assert "there is no folder" in faults_of(Source(str(loans).replace("loans.csv", "x/loans.csv")))


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.xlsx", "t.jsonl", "t.csv.gz"])
def test_an_empty_file_is_refused(write, name):
    assert "the file is empty (0 bytes)" in faults_of(write(name, b""))


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "\ufeffa,b\r\n\r\n", "a\n\n\n", "a\r"])
def test_a_header_without_rows_is_refused(write, text):
    assert "no rows below the header" in faults_of(write("t.csv", text))


def test_tables_without_rows_are_refused_whatever_their_format(write, tmp_path):
    frame = pd.DataFrame({"a": []})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    pd.DataFrame().to_excel(tmp_path / "u.xlsx", index=False)
    for name in ("t.parquet", "t.xlsx", "u.xlsx"):
        assert "there are no rows" in faults_of(Source(str(tmp_path / name)))
    assert "there are no rows" in faults_of(write("t.jsonl", "\n\n"))
    assert "there are no rows" in faults_of(write("u.jsonl", "{}\n{}\n"))
    assert "nothing but empty lines" in faults_of(write("t.csv", "\n \n"))
    assert "nothing but empty lines" in faults_of(write("t.csv.gz", gzip.compress(b"", mtime=0)))


@pytest.mark.parametrize(
    ("content", "sign"),
    [
        (b"a,b\n1,\0\n", "NUL bytes"),
        (b"a,b\n" + b"1,2\n" * 400_000 + b"1,\0\n", "NUL bytes"),
        ("a,b\n1,2\n".encode("utf-16-le"), "NUL bytes"),
        (bytes(range(1, 256)) * 9, "control characters"),
        (gzip.compress(LOANS.encode(), mtime=0), "gzip"),
        (b"PK\x03\x04\n\0\0\0", "Excel workbook"),
        (b"PAR1\x15\0\n", "Parquet"),
    ],
)
def test_a_binary_file_is_not_taken_for_text(write, content, sign):
    message = faults_of(write("t.csv", content))
    assert "the file is not text" in message
    assert sign in message


def test_broken_utf_16_is_refused(write):
    assert "cannot be read as delimited text" in faults_of(write("t.csv", "a,b\n1,2\n".encode("utf-16")[:-1]))


def test_every_ragged_row_is_named(write):
    source = write("t.csv", "a,b,c\n1,2,3\n\n4,5\n6,7,8,9\n10,11,12\n13\n")
    message = faults_of(source)
    assert "2 rows have fewer fields than the header's 3 (rows 1, 4)" in message
    assert "1 row has more fields than the header's 3 (row 2)" in message


@pytest.mark.parametrize("row", ["1,2,3,4", "1,2,3,", "1,2", "1", '"1,2",3', '"1\n,",2'])
@pytest.mark.parametrize("before", [0, 1, 150_000])
def test_one_ragged_row_is_found_wherever_it_stands(write, before, row):
    text = "a,b,c\n" + '1,"x, y",\n' * before + row + "\n" + "1,2,3\n" * 3
    message = faults_of(write("t.csv", text))
    assert f"(row {before})" in message


def test_short_and_long_rows_do_not_cancel_out(write):
    message = faults_of(write("t.csv", "a,b,c\n1,2,3\n1,2\n1,2,3,4\n"))
    assert "fewer" in message
    assert "more" in message


def test_rows_that_all_have_one_field_more_are_not_given_an_index(write):
    assert "2 rows have more fields than the header's 2 (rows 0, 1)" in faults_of(
        write("t.csv", "a,b\n1,2,3\n4,5,6\n")
    )


def test_many_ragged_rows_are_counted_and_the_first_are_named(write):
    source = write("t.csv", "a,b\n1,2\n" + "1\n" * 5_000)
    with pytest.raises(DataError, match="5000 rows have fewer") as caught:
        read_table(source)
    assert caught.value.findings[0].rows == tuple(range(1, 21))


def test_an_open_quotation_mark_is_located(write):
    message = faults_of(write("t.csv", 'a,b\n1,2\n3,"x\n4,5\n'))
    assert "a quotation mark is opened and never closed (row 1)" in message


@pytest.mark.parametrize("quote", ['5" pipe', 'a "b" c', '6"'])
def test_a_quotation_mark_inside_a_field_is_a_character(write, quote):
    text = f"a,b\n{quote},2\nx,4\n"
    assert_frame_equal(frame_of(write("t.csv", text)), pd.read_csv(io.StringIO(text)))


def test_all_faults_of_a_file_are_found_at_once(write):
    message = faults_of(write("t.csv", "a,b, a,,b,\n1,2,3,4,5,6\n1,2\n"))
    assert "for 4 reasons" in message
    assert "column 'a' stands 2 times" in message
    assert "column 'b' stands 2 times" in message
    assert "column number 4, 6 of 6 has no name" in message
    assert "1 row has fewer fields" in message


def test_duplicate_and_empty_names_are_refused_in_every_format(tmp_path):
    pd.DataFrame([[1, 2, 3]], columns=["a", "a", ""]).to_excel(tmp_path / "t.xlsx", index=False)
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * 3, names=["a", "a", ""]), tmp_path / "t.parquet")
    for name in ("t.xlsx", "t.parquet"):
        message = faults_of(Source(str(tmp_path / name)))
        assert "column 'a' stands 2 times" in message
        assert "column number 3 of 3 has no name" in message


def test_a_file_without_a_header_is_told_to_get_one(write):
    assert "add a first line with the column names" in faults_of(write("t.csv", "1,0,0\n2,1,0\n"))


@pytest.mark.parametrize(
    "name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.csv.zip", "t.parquet", "t.xlsx", "t.ods", "t.xls"]
)
@pytest.mark.parametrize(
    "content", [LOANS.encode(), b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"PAR1" * 9, b"\xd0\xcf\x11\xe0" * 99]
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(write, name, content):
    assert "cannot be" in faults_of(write(name, content))


def test_an_archive_with_a_password_is_refused(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("t.csv", LOANS)
    content = bytearray(buffer.getvalue())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag "encrypted"
    content[6] |= 1
    assert "password required" in faults_of(write("t.csv.zip", bytes(content)))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_truncated_compressed_file_is_refused(write, compress):
    suffix = {gzip: ".gz", bz2: ".bz2", lzma: ".xz"}
    name = "t.csv" + next(end for module, end in suffix.items() if module.compress is compress)
    numbers = np.random.default_rng(0).normal(size=20_000)
    content = compress(("x\n" + "\n".join(map(str, numbers))).encode())
    assert "copied completely" in faults_of(write(name, content[: len(content) // 2]))


def test_truncated_workbooks_and_parquet_are_refused(write, tmp_path):
    frame = pd.DataFrame({"a": range(1000)})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    for name in ("t.parquet", "t.xlsx"):
        content = (tmp_path / name).read_bytes()
        assert "copied completely" in faults_of(write(name, content[: len(content) // 2]))


def test_a_damaged_page_of_parquet_is_refused(write, tmp_path):
    pd.DataFrame({"a": np.random.default_rng(0).normal(size=5000)}).to_parquet(tmp_path / "t.parquet")
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[4:400] = b"\xff" * 396
    assert "cannot be read as Parquet" in faults_of(write("t.parquet", bytes(content)))


def test_every_bad_line_of_json_is_named(write):
    source = write("t.jsonl", b'{"a": 1}\n{"a": \n[1]\n\n{"a": "\xff"}\n')
    with pytest.raises(DataError) as caught:
        read_table(source)
    message = str(caught.value)
    assert "each of 2 lines is not valid JSON (rows 1, 3)" in message
    assert "a line is not an object {...} (row 2)" in message


def test_a_file_without_permission_is_said(write):
    source = write("t.csv", LOANS)
    Path(str(source)).chmod(0)
    user = os.geteuid()
    if user == 0:
        read_table(write("u.csv", LOANS))  # what has to be imported is, while we may read it
        os.seteuid(65534)  # nobody, because root may read everything
    try:
        assert "permission denied" in faults_of(source)
    finally:
        os.seteuid(user)


# Batches


def numbers(rows: int) -> pd.DataFrame:
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {"n": np.arange(rows), "x": random.normal(size=rows), "s": random.choice(["a", "b"], rows)}
    )


@pytest.mark.parametrize("name", ["t.csv", "t.tsv.gz", "t.parquet", "t.xlsx", "t.jsonl"])
def test_batches_make_up_the_table_and_go_on_counting(tmp_path, name):
    frame, path = numbers(2_500), tmp_path / name
    match name.split(".")[1]:
        case "csv":
            frame.to_csv(path, index=False)
        case "tsv":
            frame.to_csv(path, index=False, sep="\t")
        case "parquet":
            frame.to_parquet(path, row_group_size=700)
        case "xlsx":
            frame.to_excel(path, index=False)
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    batches = list(read_batches(Source(str(path)), rows=1000))
    assert max(map(len, batches)) <= 1000
    assert all(isinstance(batch.index, pd.RangeIndex) for batch in batches)
    assert_frame_equal(pd.concat(batches), frame)
    assert_frame_equal(frame_of(Source(str(path))), frame)


def test_a_column_once_seen_in_json_lines_stays_in_the_batches(write):
    source = write("t.jsonl", '{"a": 1}\n{"b": 2}\n{"a": 3}\n')
    assert [list(batch) for batch in read_batches(source, rows=1)] == [["a"], ["a", "b"], ["a", "b"]]


def test_faults_of_a_file_surface_before_the_first_batch_is_asked_for(write):
    with pytest.raises(DataError, match=r"fewer fields than the header's 2 \(row 5000\)"):
        read_batches(write("t.csv", "a,b\n" + "1,2\n" * 5_000 + "1\n"), rows=10)


def test_a_batch_has_at_least_one_row():
    with pytest.raises(ValueError, match="at least 1 row, not 0"):
        read_batches(Source("t.csv"), rows=0)


def test_batches_of_one_large_row_group_do_not_hold_the_table(tmp_path):
    path = tmp_path / "t.parquet"
    rows = 2_000_000
    numbers(rows).drop(columns="s").to_parquet(path, row_group_size=rows, compression=None)
    before = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() - before for _ in read_batches(Source(str(path)), rows=20_000))
    assert peak < path.stat().st_size / 4
