"""A WebRTC session in one process: a sender, and a receiver that analyses what it hears.

    python3 examples/webrtc_session.py SENDER RECEIVER

SENDER is a pipeline with `webrtcbin name=w` in it. RECEIVER is what follows webrtcbin for every track on the other side, down to
the sink. Both are descriptions as gst-launch-1.0 takes them. What a signalling server carries between a browser and a media
server (offer, answer, candidates) goes from one side to the other here; with a server, `Side` is the part to keep. The session
ends when the sender does. Needs Debian's gstreamer1.0-plugins-bad, gstreamer1.0-nice and gir1.2-gst-plugins-bad-1.0.
"""

import gc
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

# Time in which what is on its way arrives, in ms: the receiver's jitterbuffer holds 200.
ON_ITS_WAY = 1_000


def later(work, *args):
    """Runs it on the main loop: webrtcbin must not be called from its own threads."""
    GLib.idle_add(lambda: (work(*args), False)[1])


class Side:
    """A pipeline with a webrtcbin, as signalling sees it: descriptions and candidates are text."""

    def __init__(self, pipeline, webrtc):
        self.pipeline, self.webrtc, self.kept, self.handlers = pipeline, webrtc, [], []
        bus = pipeline.get_bus()
        bus.add_signal_watch()
        self.hear(bus, "message::latency", lambda *_: pipeline.recalculate_latency())
        self.hear(bus, "message::error", lambda _, m: sys.exit(str(m.parse_error())))

    def hear(self, source, signal, handler):
        """Connects a handler until the side stops."""
        self.handlers.append((source, source.connect(signal, handler)))

    def set(self, which, kind, text, then=None):
        """Takes a description, `local` or `remote`, and goes on when it has."""
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        promise = then and Gst.Promise.new_with_change_func(lambda *_: later(then), None, None)
        self.kept += [description, promise]
        self.webrtc.emit(f"set-{which}-description", description, promise)

    def make(self, what, then):
        """Makes an `offer` or an `answer`, and hands its text on."""

        def made(promise, *_):
            # Each holds memory of the one before it, which must live on.
            reply = promise.get_reply()
            description = reply.get_value(what)
            message = description.sdp
            later(then, message.as_text())

        self.webrtc.emit(f"create-{what}", None, Gst.Promise.new_with_change_func(made, None, None))

    def stop(self):
        self.pipeline.get_bus().remove_signal_watch()
        self.pipeline.set_state(Gst.State.NULL)
        for source, handler in self.handlers:
            source.disconnect(handler)
        self.kept, self.handlers = [], []


def connect(sender, receiver):
    """Offer, answer and candidates from one side to the other."""
    offer, answer = GstWebRTC.WebRTCSDPType.OFFER, GstWebRTC.WebRTCSDPType.ANSWER

    def answered(text):
        receiver.set("local", answer, text)
        sender.set("remote", answer, text)

    def offered(text):
        sender.set("local", offer, text)
        receiver.set("remote", offer, text, lambda: receiver.make("answer", answered))

    sender.hear(sender.webrtc, "on-negotiation-needed", lambda _: sender.make("offer", offered))
    for ours, theirs in ((sender, receiver), (receiver, sender)):
        give = theirs.webrtc.emit
        ours.hear(ours.webrtc, "on-ice-candidate", lambda _, line, text, give=give: later(give, "add-ice-candidate", line, text))


def sides(sending, receiving):
    """Both sides of a session, joined; the receiver's tracks go through `receiving`."""
    pipeline = Gst.parse_launch(sending)
    sender = Side(pipeline, pipeline.get_by_name("w"))
    pipeline = Gst.Pipeline.new("receiver")
    webrtc = Gst.ElementFactory.make("webrtcbin", "w")
    webrtc.set_property("bundle-policy", "max-bundle")
    pipeline.add(webrtc)
    receiver = Side(pipeline, webrtc)

    def track(_, pad):
        if pad.get_direction() == Gst.PadDirection.SRC:
            follows = Gst.parse_bin_from_description(receiving, True)
            receiver.pipeline.add(follows)
            follows.sync_state_with_parent()
            pad.link(follows.get_static_pad("sink"))

    receiver.hear(webrtc, "pad-added", track)
    connect(sender, receiver)
    return sender, receiver


def main(sending, receiving):
    Gst.init(None)
    loop = GLib.MainLoop()
    sender, receiver = sides(sending, receiving)

    def watch(_, info):
        if info.get_event().type == Gst.EventType.EOS:
            GLib.timeout_add(ON_ITS_WAY, end)
            return Gst.PadProbeReturn.REMOVE
        return Gst.PadProbeReturn.OK

    def end():
        # The network carries no end of the stream: what is open gets one, and goes out.
        for pad in receiver.webrtc.srcpads:
            pad.get_peer().send_event(Gst.Event.new_eos())
        loop.quit()

    sender.webrtc.sinkpads[0].add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, watch)
    for side in (receiver, sender):
        side.pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    for side in (sender, receiver):
        side.stop()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
    gc.collect()
    Gst.deinit()
