#!/usr/bin/env python3
"""Reads results from buffers by name, with nothing of ours but the plugin.

    python3 examples/read_results.py FILE [FEATURE]

Prints a line per final utterance: channel, start and end in seconds, and one feature.
"""

import json
import sys
import warnings

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


# The binding of GStreamer's arrays is an old one of GObject's.
warnings.simplefilter("ignore", DeprecationWarning)


def on_buffer(_pad, info, feature, seen):
    meta = info.get_buffer().get_custom_meta("AffectResults")
    if meta is not None:
        # The field `results` is an array of structures.
        for result in results(meta.get_structure()):
            show(result, feature, seen)
    return Gst.PadProbeReturn.OK


def on_event(_pad, info, feature, seen):
    # Results that end with the stream find no buffer: they come as an event.
    event = info.get_event()
    if event.type == Gst.EventType.CUSTOM_DOWNSTREAM and event.has_name("affect/results"):
        for result in results(event.get_structure()):
            show(result, feature, seen)
    return Gst.PadProbeReturn.OK


def results(structure):
    ok, array = structure.get_array("results")
    # The elements live as long as the array, hence one by one and not as a list. (With Debian's python3-gst-1.0,
    # `structure["results"]` is an ordinary sequence.)
    for i in range(array.n_values if ok else 0):
        yield array.get_nth(i)


def show(result, feature, seen):
    record = json.loads(result.get_string("json"))
    if record["id"] in seen or record["partial"]:
        return
    seen.add(record["id"])
    value = record["features"][feature]
    text = "undefined" if value is None or feature in record["reasons"] else f"{value:.2f}"
    start, end = record["start_ns"] / 1e9, record["end_ns"] / 1e9
    print(f"channel {record['channel']['index']}  {start:6.2f} to {end:6.2f} s  {feature} {text}", flush=True)


def main():
    path = sys.argv[1]
    feature = sys.argv[2] if len(sys.argv) > 2 else "F0_Hz_median"
    Gst.init(None)
    pipeline = Gst.parse_launch("filesrc name=file ! decodebin ! affectfeatures ! fakesink name=sink")
    pipeline.get_by_name("file").set_property("location", path)
    pad = pipeline.get_by_name("sink").get_static_pad("sink")
    seen = set()
    pad.add_probe(Gst.PadProbeType.BUFFER, on_buffer, feature, seen)
    pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, on_event, feature, seen)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR
    )
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        error, _debug = message.parse_error()
        sys.exit(f"{path}: {error.message}")
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main())
