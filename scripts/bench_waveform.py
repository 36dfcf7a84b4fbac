#!/usr/bin/env python3
"""Memory of one and of twenty elements with a waveform model, and PyTorch's time for scores with Grad-CAM: for `make bench WAVEFORM=1`.

    scripts/bench_waveform.py MODELS

A development tool. Memory needs `gst-launch-1.0` and the plugin (GST_PLUGIN_PATH); PyTorch's time needs torch and transformers, and is
left out, and said to be, without them. PyTorch runs eagerly on one thread: a forward pass, hooks on a layer, and a backward pass from
the largest score, as Grad-CAM is published; windows of 4 s, processor time, the best of five.
"""

import subprocess
import sys
import time
from pathlib import Path

CLIP = "tests/data/emodb/03a01Nc.wav"
ROUNDS = 5


def peak_mb(model, elements):
    """Peak and last resident memory of a pipeline with so many elements, in MB."""
    one = f"filesrc location={CLIP} ! wavparse ! affectscore model={model} ! fakesink"
    words = " ".join([one] * elements).split()
    process = subprocess.Popen(["gst-launch-1.0", "-q", *words])
    peak = 0
    while process.poll() is None:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            break
        found = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
        peak = max([peak, *found])
        time.sleep(0.05)
    if process.wait() != 0:
        sys.exit(f"{model}: the pipeline failed")
    return peak / 1000


def memory(folder):
    model = folder / "hubert-base"
    if not model.is_dir():
        print("memory: no hubert-base among the models")
        return
    one, twenty = peak_mb(model, 1), peak_mb(model, 20)
    print(f"memory, hubert-base: one element {one:.0f} MB, twenty {twenty:.0f} MB: {twenty / one:.2f} times (peaks, loading included)")


def pytorch(folder):
    try:
        import torch
        from transformers import AutoConfig, AutoModelForAudioClassification
    except ImportError as e:
        print(f"PyTorch: left out, {e}")
        return
    torch.set_num_threads(1)
    for name in ("wav2vec2-base", "hubert-base"):
        if not (folder / name).is_dir():
            continue
        config = AutoConfig.from_pretrained(folder / name)
        model = AutoModelForAudioClassification.from_config(config).eval()
        layers = (model.wav2vec2 if hasattr(model, "wav2vec2") else model.hubert).encoder.layers
        x = torch.randn(1, 64_000)

        def plain():
            with torch.no_grad():
                model(x)

        def explained(layer):
            kept = {}

            def hook(_, __, output):
                kept["h"] = output[0] if isinstance(output, tuple) else output
                kept["h"].retain_grad()

            handle = layer.register_forward_hook(hook)
            logits = model(x).logits
            model.zero_grad()
            logits[0, logits[0].argmax()].backward()
            h = kept["h"]
            cam = (h.grad.mean(1, keepdim=True) * h).sum(-1).relu()
            handle.remove()
            return cam

        def best(run):
            times = []
            for _ in range(ROUNDS):
                begun = time.process_time()
                run()
                times.append(time.process_time() - begun)
            return min(times)

        times = [best(plain), best(lambda: explained(layers[-1])), best(lambda: explained(layers[len(layers) // 2 - 1]))]
        print(f"PyTorch, {name}: forward {times[0]:.3f} s, Grad-CAM at the last block {times[1]:.3f} s, at the middle one {times[2]:.3f} s")


def main():
    folder = Path(sys.argv[1])
    memory(folder)
    pytorch(folder)


if __name__ == "__main__":
    main()
