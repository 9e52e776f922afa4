"""curl command lines: shell words, the options that make a request, and what is left out of them."""

import shlex
from typing import Any

import msgspec
import pytest

from caskmcp.compiler.capture.sources.curl import Curl, cmd, options, words
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Skipped

URL = "https://api.example.com/orders"
FORM = "application/x-www-form-urlencoded"


def read(text: str) -> list[Recorded | Skipped]:
    return list(Curl().read([text.encode()]))


def one(*arguments: str) -> Recorded:
    (found,) = read(f"curl {' '.join(arguments)}")
    assert isinstance(found, Recorded), found
    return found


def split(text: str) -> list[list[str]]:
    return [command.words for command in words.commands(text)]


# ---------------------------------------------------------------- words
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [["a", "b"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a \\\r\n  b", [["a", "b"]]),
        ("a'b'\"c\"d", [["abcd"]]),
        ("a ''", [["a", ""]]),
        ("a\nb; c && d || e | f & g", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"], ["g"]]),
        ("# all of it\na # rest\nb#c", [["a"], ["b#c"]]),
        (r"a\ b 'c\d' \"", [["a b", r"c\d", '"']]),
        (r'"a\"b\\c\$d\x"', [[r'a"b\c$d\x']]),
        ('"a\\\nb"', [["ab"]]),
        (r"$'a\'b\n\t\\\x41\101\u00e9\U0001F600\ud83d\ude00\xc3\xa9\q'", [["a'b\n\t\\AA\u00e9\U0001f600\U0001f600\u00e9q"]]),
        ('$"a b"', [["a b"]]),
        ("$A ${B} \"${C:-x}/$D.y\" '$E' $1", [["{{A}}", "{{B}}", "{{C}}/{{D}}.y", "$E", "{{arg}}"]]),
        ("a > out 2>&1 < in b >> c &> d", [["a", "b"]]),
        ("a 2>err", [["a"]]),
        ("(a b)", [["a", "b"]]),
        ("x=1 a", [["x=1", "a"]]),
    ],
)  # fmt: skip
def test_words_are_made_as_a_shell_makes_them(text: str, expected: list[list[str]]) -> None:
    assert split(text) == expected


def test_a_here_document_is_what_the_command_reads() -> None:
    first, second, third = words.commands("a -d @- <<'END' x\n{\"n\": $N}\nEND\nb <<-E\n\ty\n\tE\nc")
    assert (first.words, first.stdin) == (["a", "-d", "@-", "x"], '{"n": $N}')
    assert (second.words, second.stdin, second.line) == (["b"], "y", 4)
    assert (third.words, third.line) == (["c"], 7)


@pytest.mark.parametrize("text", ["a $(b)", "a `b`", 'a "$(b)"', 'a "`b`"', "a <(b)", "a $((1 + 1))", "a=$(b)"])
def test_what_a_shell_would_run_is_a_problem(text: str) -> None:
    assert [command.problem for command in words.commands(text)] == [words.SUBSTITUTION]


def test_a_command_substitution_may_hold_anything_and_hides_nothing_behind_it() -> None:
    assert [command.words[0] for command in words.commands("a $(b (c) ';' ) d\ne f")] == ["a", "e"]


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a $'b"])
def test_an_open_quote_is_a_problem(text: str) -> None:
    assert [command.problem for command in words.commands(text)] == [words.UNCLOSED]


# ---------------------------------------------------------------- cmd
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('curl ^"https://x/a?b=1^&c=2^" ^\r\n  -H ^"a: b^"', [["curl", "https://x/a?b=1&c=2", "-H", "a: b"]]),
        ('curl ^"x^" --data-raw ^"^{^\\^"a^\\^":^\\^"b c^\\^"^}^"', [["curl", "x", "--data-raw", '{"a":"b c"}']]),
        ('curl ^"x^" --data-raw ^"a^\n\nb^"', [["curl", "x", "--data-raw", "a\nb"]]),
        ('curl "x y" ^\n -k &\ncurl z', [["curl", "x y", "-k"], ["curl", "z"]]),
        ('curl "a ""b"" c" ^\n d', [["curl", 'a "b" c', "d"]]),
        ('curl ^"a\\\\\\\\^" ^\n b', [["curl", "a\\\\", "b"]]),
        ('curl ^"100^%^25^"', [["curl", "100%25"]]),
    ],
)
def test_carets_and_quotes_are_undone_as_windows_does(text: str, expected: list[list[str]]) -> None:
    assert cmd.is_cmd(text)
    assert [command.words for command in cmd.commands(text)] == expected


def test_a_shells_command_line_is_not_taken_for_cmd() -> None:
    assert not cmd.is_cmd("curl 'https://x/^a' \\\n -H 'a: ^b'")


# ---------------------------------------------------------------- options
def test_a_url_alone_is_a_get() -> None:
    found = one(f"'{URL}?page=2&q=a%20b#top'")
    assert (found.method, found.url, found.query, found.status, found.stated) == ("GET", URL, (("page", "2"), ("q", "a b")), 0, True)


@pytest.mark.parametrize(
    ("arguments", "method", "media", "text"),
    [
        ("-d a=1 -d b=2", "POST", FORM, "a=1&b=2"),
        ("-da=1 --data-ascii b", "POST", FORM, "a=1&b"),
        ("-X PUT --data-raw @a", "PUT", FORM, "@a"),
        ("--request DELETE", "DELETE", None, None),
        ("-XPATCH -d '{}' -H 'Content-Type: application/json'", "PATCH", "application/json", "{}"),
        ("--json '{\"a\":' --json 1}", "POST", "application/json", '{"a":1}'),
        ("--data-urlencode 'a=b c' --data-urlencode =d/e --data-urlencode 'f g'", "POST", FORM, "a=b+c&d%2Fe&f+g"),
        ("-I", "HEAD", None, None),
        ("-sSL --compressed -k -m 5 --retry 3 -o out.json -w '%{http_code}'", "GET", None, None),
    ],
)
def test_method_and_body_are_what_curl_would_send(arguments: str, method: str, media: str | None, text: str | None) -> None:
    found = one(URL, arguments)
    assert found.method == method
    assert (found.request.media, found.request.text) == (media, text) if found.request else (media, text) == (None, None)


@pytest.mark.parametrize("arguments", ["-d @body.json", "--data-binary @body.json", "--data-urlencode a@b", "--json @x", "-T file"])
def test_a_files_content_is_not_looked_for(arguments: str) -> None:
    found = one(URL, arguments)
    assert found.request is not None
    assert (found.request.text, found.request.pairs) == (None, None)


def test_a_form_has_its_fields_and_of_files_only_their_names() -> None:
    found = one(URL, "-F a=1 -F 'b=@c.png;type=image/png' --form 'd=x;type=text/plain' --form-string e=@f -F g='<h'")
    assert found.request is not None
    assert (found.method, found.request.media) == ("POST", "multipart/form-data")
    assert found.request.pairs == (("a", "1"), ("b", ""), ("d", "x"), ("e", "@f"), ("g", ""))


def test_get_puts_data_into_the_query() -> None:
    found = one(f"'{URL}?a=1'", "-G -d b=2 --data-urlencode 'c=x y' --url-query d=3 --url-query +e=4")
    assert (found.method, found.query, found.request) == ("GET", (("a", "1"), ("b", "2"), ("c", "x y"), ("d", "3"), ("e", "4")), None)


def test_headers_and_cookies_are_kept_for_the_intake() -> None:
    found = one("--url", URL, "-H 'X-Team: blue' -H'Accept:text/plain' -H 'X-Gone:' -H 'X-Odd;' -H @file -b 'a=1; b=2' -b jar.txt")
    assert found.headers == (("X-Team", "blue"), ("Accept", "text/plain"), ("X-Gone", ""), ("Cookie", "a=1; b=2"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-u alice:pa55", (("basic", "pa55"),)),
        ("--digest -u alice:pa55", (("digest", "pa55"),)),
        ("--oauth2-bearer t0ken", (("bearer", "t0ken"),)),
        ("--aws-sigv4 aws:amz -u k:s", (("header:authorization", "s"),)),
        ("-u alice", (("basic", ""),)),
        ("-U p:q", ()),
    ],
)
def test_ways_to_authenticate_are_told_beside_the_request(arguments: str, expected: Any) -> None:
    assert one(URL, arguments).credentials == expected


def test_next_begins_another_request_and_several_urls_are_several() -> None:
    found = read(f"curl {URL}/1 {URL}/2 -H 'a: b' --next -d x=1 {URL}")
    assert [(row.method, row.url) for row in found if isinstance(row, Recorded)] == [
        ("GET", f"{URL}/1"),
        ("GET", f"{URL}/2"),
        ("POST", URL),
    ]


def test_what_says_only_how_to_send_changes_nothing() -> None:
    flags = [f"--{name}" for name in sorted(options._OTHER_FLAGS)]
    valued = [f"--{name} https://other.example/" for name in sorted(options._OTHER_VALUED)]
    found = one(*flags, *valued, URL)
    assert {name for name, _ in found.secrets} == {"password", "https"}
    assert msgspec.structs.replace(found, secrets=()) == one(URL)


def test_each_short_option_is_one_of_the_long_ones() -> None:
    known = options.VALUED.keys() | options.FLAGS.keys() | options._OTHER_VALUED | options._OTHER_FLAGS | options.REFUSED
    assert {name for name in options.SHORT.values() if name not in known and name.removeprefix("no-") not in known} == set()


# ---------------------------------------------------------------- scripts
def test_variables_that_the_file_assigns_are_filled_in_and_others_are_parameters() -> None:
    found = read(f'BASE={URL}\nexport N=7\ncurl "$BASE/$N/items/$ITEM?q=$Q"\nN=8\ncurl $BASE/$N')
    assert [(row.url, row.query) for row in found if isinstance(row, Recorded)] == [
        (f"{URL}/7/items/{{ITEM}}", (("q", "{{Q}}"),)),
        (f"{URL}/8", ()),
    ]


@pytest.mark.parametrize("before", ["$ ", "sudo ", "A=1 B=2 ", "time ", "/usr/bin/", "if "])
def test_what_stands_before_a_command_is_passed_over(before: str) -> None:
    assert [row.place for row in read(f"echo x\n{before}curl {URL}")] == ["line 2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"curl {URL}/$(id -u)", words.SUBSTITUTION),
        (f"curl {URL} -d \"`cat x`\"", words.SUBSTITUTION),
        (f"X=$(curl {URL})", words.SUBSTITUTION),
        (f"curl '{URL}", words.UNCLOSED),
        (f"curl -K config {URL}", "an option of curl that takes the request from elsewhere"),
        (f"curl --brand-new x {URL}", "an option of curl that is not known here"),
        (f"curl -~ {URL}", "an option of curl that is not known here"),
        (f"curl {URL} -H", "an option of curl without its value"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_read_is_left_out_with_its_line_and_the_reason(line: str, why: str) -> None:
    assert read(f"# first\n{line}") == [Skipped("line 2", "unsupported", detail=why)]


def test_a_text_without_a_command_is_refused() -> None:
    with pytest.raises(CaskError, match="there is no curl command") as caught:
        read("wget https://api.example.com")
    assert (caught.value.code, caught.value.place) == ("CASK-C001", "line 1")


def test_a_command_without_url_gives_nothing() -> None:
    assert read("curl --version") == []


def test_every_quoted_url_comes_back() -> None:
    url = "https://api.example.com/a'b\"c$d `e`"
    (found,) = read(f"curl {shlex.quote(url)}")
    assert isinstance(found, Recorded)
    assert found.url == url
