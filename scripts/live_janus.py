"""Janus from Debian with a configuration of its own, driven over its HTTP interface: an AudioBridge room whose participants come by plain
RTP, each in a group of its own, and whose groups are forwarded."""

import json
import pathlib
import subprocess
import time
import urllib.request

ROOM = 1


def settings(folder, port, rtp):
    """Configuration files: HTTP on the loopback, the AudioBridge, and a room."""
    folder = pathlib.Path(folder)
    (folder / "janus.jcfg").write_text(
        f"""general: {{ debug_level = 3 }}
media: {{ rtp_port_range = "{rtp}-{rtp + 40}" }}
nat: {{ full_trickle = false }}
plugins: {{ disable = "libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }}
transports: {{ disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }}
"""
    )
    (folder / "janus.transport.http.jcfg").write_text(
        f'general: {{ base_path = "/janus" http = true port = {port} ip = "127.0.0.1" https = false }}\nadmin: {{ admin_http = false }}\n'
    )
    (folder / "janus.plugin.audiobridge.jcfg").write_text(
        f"""general: {{ local_ip = "127.0.0.1" rtp_port_range = "{rtp + 100}-{rtp + 140}" }}
room-{ROOM}: {{
    description = "call"
    sampling_rate = 16000
    allow_rtp_participants = true
    groups = ("caller", "agent")
}}
"""
    )


class Janus:
    """A running server. Leaving the context ends it."""

    def __init__(self, folder, port, rtp):
        settings(folder, port, rtp)
        self.base = f"http://127.0.0.1:{port}/janus"
        self.log = open(pathlib.Path(folder, "janus.log"), "w+")
        self.server = subprocess.Popen(["janus", "--configs-folder", str(folder)], stdout=self.log, stderr=self.log)

    def __enter__(self):
        try:
            for attempt in range(100):
                try:
                    self.session = f"{self.base}/{self.ask(self.base, janus='create')['data']['id']}"
                    return self
                except OSError:
                    if self.server.poll() is not None or attempt == 99:
                        self.log.seek(0)
                        raise SystemExit("janus does not start:\n" + self.log.read()[-2000:])
                    time.sleep(0.1)
        except BaseException:
            self.server.kill()
            raise

    def __exit__(self, *_):
        self.server.terminate()
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()

    def ask(self, url, **body):
        body.setdefault("transaction", str(time.monotonic_ns()))
        request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        if said["janus"] == "error":
            raise SystemExit(f"janus refuses {body}: {said['error']['reason']}")
        return said

    def handle(self):
        """A handle of the AudioBridge."""
        return f"{self.session}/{self.ask(self.session, janus='attach', plugin='janus.plugin.audiobridge')['data']['id']}"

    def forward(self, group, port, codec="opus"):
        """Forwards a group to a port of this machine."""
        said = self.ask(
            self.handle(),
            janus="message",
            body={
                "request": "rtp_forward", "room": ROOM, "group": group, "host": "127.0.0.1", "port": port,
                "codec": codec, "always_on": True,
            },
        )
        if "stream_id" not in said["plugindata"]["data"]:
            raise SystemExit(f"janus does not forward: {said}")

    def join(self, group, own):
        """Joins a participant that sends Opus from its own port by plain RTP, and gives the port where it is heard."""
        handle = self.handle()
        body = {
            "request": "join", "room": ROOM, "display": group, "group": group, "muted": False, "codec": "opus",
            "rtp": {"ip": "127.0.0.1", "port": own, "payload_type": 100},
        }
        self.ask(handle, janus="message", body=body)
        for _ in range(20):
            with urllib.request.urlopen(f"{self.session}?maxev=1", timeout=40) as answer:
                event = json.load(answer)
            data = event.get("plugindata", {}).get("data", {})
            if "error" in data:
                raise SystemExit(f"janus refuses a participant: {data['error']}")
            if data.get("audiobridge") == "joined" and "rtp" in data:
                return data["rtp"]["port"]
        raise SystemExit("janus does not tell where the participant is heard")
