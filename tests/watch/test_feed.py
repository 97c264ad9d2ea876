"""Streams from files, connections and standard input: every row once, wherever reading begins again."""

from __future__ import annotations

import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pandas as pd
import pytest

from lepton_platform import DataError
from lepton_platform.errors import RunError
from lepton_platform.watch import feed
from lepton_platform.watch.feed import Place

TEXT = "day;price\n" + "".join(f"2020-01-{day:02d};{day}\n" for day in range(1, 31))


def read(uri, place=None, others=lambda: None):
    """Return all rows from a place on, and the place after them."""
    found = list(feed.batches(str(uri), place or Place(), False, others))
    rows = pd.concat([frame for frame, _ in found], ignore_index=True) if found else pd.DataFrame()
    return rows, found[-1][1] if found else place


def test_a_file_is_gone_on_with_from_any_place(tmp_path):
    path = tmp_path / "a.csv"
    lines = TEXT.splitlines(keepends=True)
    found, place = [], None
    for end in (1, 4, 5, 17, 31):
        path.write_text("".join(lines[:end]))
        rows, place = read(path, place)
        found += rows["price"].tolist() if len(rows) else []
    assert found == list(range(1, 31))


def test_a_line_that_is_not_complete_waits_while_the_file_is_followed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT[:40])
    stream = feed.batches(str(path), Place(), True, lambda: None)
    first = next(stream)[0]
    assert next(stream) is None
    with path.open("a") as file:
        file.write(TEXT[40:])
    second = next(one for one in stream if one is not None)[0]
    assert pd.concat([first, second])["price"].tolist() == list(range(1, 31))


def test_json_lines_need_no_header_and_a_line_that_is_no_json_is_an_empty_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"day": "2020-01-01", "price": 1}\nnonsense\n{"day": "2020-01-02", "price": 2}\n')
    rows, _ = read(path)
    assert rows["price"].fillna(-1).tolist() == [1, -1, 2]


def test_a_row_with_a_field_too_many_or_too_few_is_kept(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2,3\n4\n")
    assert read(path)[0].fillna(-1).to_numpy().tolist() == [[1, 2], [4, -1]]


def test_a_file_that_became_shorter_is_another_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT)
    _, place = read(path)
    path.write_text(TEXT[:30])
    with pytest.raises(RunError, match="is shorter than when it was last watched"):
        read(path, place)


def test_other_sources_are_read_by_rows(tmp_path):
    frames = [pd.DataFrame({"price": range(5)}), pd.DataFrame({"price": range(5, 9)})]
    rows, place = read("data.parquet", Place(3), lambda: frames)
    assert rows["price"].tolist() == [3, 4, 5, 6, 7, 8] and place.offset == 9
    with pytest.raises(DataError, match="no reader knows"):
        read("data.what")


def served(text):
    """Serve a text once over TCP; return its URI."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = server.accept()
        with connection, server:
            connection.sendall(text.encode())

    threading.Thread(target=answer, daemon=True).start()
    return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_connection_that_begins_anew_is_recognised_and_one_that_goes_on_is_too():
    lines = TEXT.splitlines(keepends=True)
    first, place = read(served("".join(lines[:11])))
    again, place = read(served("".join(lines[:21])), place)
    onwards, place = read(served("".join([lines[0], *lines[21:]])), place)
    assert [*first["price"], *again["price"], *onwards["price"]] == list(range(1, 31))


def test_a_connection_that_breaks_off_is_made_again_and_gone_on_with():
    lines = TEXT.splitlines(keepends=True)
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        for end in (12, 31):
            connection, _ = server.accept()
            with connection:
                connection.sendall("".join(lines[:end]).encode())
                if end == 12:  # reset in place of an orderly end
                    time.sleep(0.2)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    threading.Thread(target=answer, daemon=True).start()
    stream = feed.batches(f"tcp://127.0.0.1:{server.getsockname()[1]}", Place(), True, lambda: None)
    found = []
    for batch in stream:
        found += [] if batch is None else batch[0]["price"].tolist()
        if len(found) >= 30:
            break
    stream.close()
    server.close()
    assert found == list(range(1, 31))


def test_http_lines_are_read():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(TEXT.encode())

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    rows, _ = read(f"http://127.0.0.1:{server.server_port}/feed")
    server.server_close()
    assert rows["price"].tolist() == list(range(1, 31))


def test_a_feed_that_cannot_be_reached_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DataError, match="the feed cannot be read"):
        read(f"tcp://127.0.0.1:{port}")
