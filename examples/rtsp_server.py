"""An RTSP server that analyses what it serves: the audio is its first stream, the results are its second.

    python3 examples/rtsp_server.py call.wav 8554

A client takes either or both: `gst-launch-1.0 rtspsrc location=rtsp://127.0.0.1:8554/call ! rtpgstdepay ! affectsink`
prints the results. Needs Debian's gir1.2-gst-rtsp-server-1.0.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

LAUNCH = """( filesrc location="{path}" ! wavparse ! affectscore stream=call ! affectextract name=x
  x.src ! queue ! audioconvert ! audio/x-raw,channels=1 ! mulawenc ! rtppcmupay name=pay0 pt=0
  x.results ! queue ! rtpgstpay name=pay1 pt=97 config-interval=1 )"""


def heard(_bus, message):
    """The server owns the bus of what it serves, so that messages are heard as they are posted."""
    structure = message.get_structure()
    if structure.get_name() == "affect-result" and not structure.get_boolean("partial")[1]:
        print("result", structure.get_string("stream"), structure.get_int("channel")[1], structure.get_string("ended"), flush=True)


def configured(_factory, media):
    top = media.get_element()
    while top.get_parent():
        top = top.get_parent()
    bus = top.get_bus()
    bus.enable_sync_message_emission()
    bus.connect("sync-message::element", heard)


def main(path, port):
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    factory = GstRtspServer.RTSPMediaFactory(launch=LAUNCH.format(path=path), shared=True)
    factory.connect("media-configure", configured)
    server.get_mount_points().add_factory("/call", factory)
    if not server.attach(None):
        sys.exit(f"port {port} is taken")
    print(f"serving rtsp://127.0.0.1:{port}/call", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
