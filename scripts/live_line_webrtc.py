"""A webrtcbin session in one process over the loopback: the caller of a file is analysed at the receiver."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from gi.repository import GLib, Gst
from webrtc_session import sides

CODECS = {
    "pcmu": (
        "audioresample ! audio/x-raw,rate=8000,channels=1 ! mulawenc "
        "! rtppcmupay ! application/x-rtp,media=audio,encoding-name=PCMU,payload=0",
        "rtppcmudepay ! mulawdec",
    ),
    "opus": (
        "audioresample ! audio/x-raw,rate=48000,channels=1 ! opusenc "
        "! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=96",
        "rtpopusdepay ! opusdec plc=true",
    ),
}


def session(path, codec, seconds):
    """Number of cuts, and seconds of audio analysed."""
    encode, decode = CODECS[codec]
    sender, receiver = sides(
        f"webrtcbin name=w bundle-policy=max-bundle filesrc location={path} ! wavparse ! audioconvert ! audio/x-raw,channels=1 "
        f"! audiobuffersplit output-buffer-duration=1/50 ! audioresample ! identity sync=true "
        # As a microphone: what cannot be sent before there is a connection is gone.
        f"! queue leaky=downstream max-size-time=60000000 max-size-buffers=0 max-size-bytes=0 ! {encode} ! w.",
        f"{decode} ! affectscore name=a ! fakesink sync=true",
    )
    loop = GLib.MainLoop()
    for side in (receiver, sender):
        side.pipeline.set_state(Gst.State.PLAYING)
    GLib.timeout_add_seconds(seconds, loop.quit)
    loop.run()
    element = receiver.pipeline.get_by_name("a")
    stats = element.get_property("stats") if element else None
    found = (stats.get_uint64("cuts")[1], stats.get_uint64("audio-time")[1] / 1e9) if stats else (0, 0.0)
    sender.stop()
    receiver.stop()
    return found
