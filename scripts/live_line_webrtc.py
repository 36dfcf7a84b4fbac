"""A webrtcbin session in one process over the loopback: the caller of a file is analysed at the receiver."""

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC

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
    sender = Gst.parse_launch(
        f"webrtcbin name=w bundle-policy=max-bundle filesrc location={path} ! wavparse ! audioconvert ! audio/x-raw,channels=1 "
        f"! audiobuffersplit output-buffer-duration=1/50 ! audioresample ! identity sync=true "
        # As a microphone: what cannot be sent before there is a connection is gone.
        f"! queue leaky=downstream max-size-time=60000000 max-size-buffers=0 max-size-bytes=0 ! {encode} ! w."
    )
    receiver = Gst.Pipeline.new("receiver")
    their, our = Gst.ElementFactory.make("webrtcbin", "w"), sender.get_by_name("w")
    their.set_property("bundle-policy", 3)
    receiver.add(their)
    kinds, kept = GstWebRTC.WebRTCSDPType, []

    def later(work, *args):
        GLib.idle_add(lambda: (work(*args), False)[1])

    def described(kind, text):
        _, message = GstSdp.SDPMessage.new_from_text(text)
        kept.append(GstWebRTC.WebRTCSessionDescription.new(kind, message))
        return kept[-1]

    def text_of(promise, what):
        # Each holds memory of the one before it, which must live on.
        reply = promise.get_reply()
        description = reply.get_value(what)
        message = description.sdp
        return message.as_text()

    def answered(promise, *_):
        later(have_answer, text_of(promise, "answer"))

    def have_answer(text):
        their.emit("set-local-description", described(kinds.ANSWER, text), None)
        our.emit("set-remote-description", described(kinds.ANSWER, text), None)

    def ask_for_answer():
        their.emit("create-answer", None, Gst.Promise.new_with_change_func(answered, None, None))

    def offered(promise, *_):
        later(have_offer, text_of(promise, "offer"))

    def have_offer(text):
        our.emit("set-local-description", described(kinds.OFFER, text), None)
        heard = Gst.Promise.new_with_change_func(lambda *_: later(ask_for_answer), None, None)
        kept.append(heard)
        their.emit("set-remote-description", described(kinds.OFFER, text), heard)

    def begin(_):
        our.emit("create-offer", None, Gst.Promise.new_with_change_func(offered, None, None))

    def receive(_, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        part = Gst.parse_bin_from_description(f"{decode} ! affectscore name=a ! fakesink sync=true", True)
        receiver.add(part)
        part.sync_state_with_parent()
        pad.link(part.get_static_pad("sink"))

    our.connect("on-negotiation-needed", begin)
    our.connect("on-ice-candidate", lambda _, line, c: later(their.emit, "add-ice-candidate", line, c))
    their.connect("on-ice-candidate", lambda _, line, c: later(our.emit, "add-ice-candidate", line, c))
    their.connect("pad-added", receive)

    def latency(_, message, pipeline):
        if message.type == Gst.MessageType.LATENCY:
            pipeline.recalculate_latency()

    for pipeline in (sender, receiver):
        pipeline.get_bus().add_signal_watch()
        pipeline.get_bus().connect("message", latency, pipeline)
    loop = GLib.MainLoop()
    receiver.set_state(Gst.State.PLAYING)
    sender.set_state(Gst.State.PLAYING)
    GLib.timeout_add_seconds(seconds, loop.quit)
    loop.run()
    element = receiver.get_by_name("a")
    stats = element.get_property("stats") if element else None
    found = (stats.get_uint64("cuts")[1], stats.get_uint64("audio-time")[1] / 1e9) if stats else (0, 0.0)
    sender.set_state(Gst.State.NULL)
    receiver.set_state(Gst.State.NULL)
    return found
