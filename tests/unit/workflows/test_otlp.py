"""What a person is told to set, so that a program sends its traces here."""

from caskmcp.workflows.otlp import instructions


def test_a_person_is_told_where_and_for_how_long() -> None:
    said = instructions(4318, ("api.example.com", "b.example"), 60.0, protobuf=True)
    assert said == (
        "Receiver on 127.0.0.1:4318 (OTLP over HTTP)",
        "Keeps calls of api.example.com, b.example. Start your program with:",
        "  OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
        "Ctrl-C ends the recording and keeps what was seen. It ends by itself after 60 s.",
    )


def test_without_the_extra_json_is_asked_for_and_why() -> None:
    said = instructions(4318, ("api.example.com",), None, protobuf=False)
    assert "http/json" in said[2]
    assert said[3] == "JSON alone is read: protobuf needs pip install 'caskmcp[otel]'"
    assert said[-1].endswith("what was seen.")
