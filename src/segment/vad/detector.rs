//! The detector `earshot` 1.2.2 (<https://github.com/pykeio/earshot>, by Carson M., MIT OR Apache-2.0), written anew around its published
//! weights: the same probabilities bit for bit, in a third of the instructions.

use super::VAD_FRAME;
use super::network::{Network, State};
use super::transform::{Points, SIZE, Transform};
use crate::signal::wide::wide;
use std::f64::consts::PI;
use std::sync::{Arc, OnceLock};

/// Samples under the window, and bands.
const WINDOW: usize = 768;
const BANDS: usize = 40;
/// First-order pre-emphasis.
const EMPHASIS: f32 = 0.97;
/// Samples are weighed as 16-bit numbers, powers relative to full scale.
const FULL: f32 = 32_768.0;
/// Bins between which a band rises and falls: the first, the middle and the last of band `i` are `i`, `i + 1` and `i + 2`.
const EDGES: [usize; BANDS + 2] = [
    4, 7, 10, 13, 17, 21, 25, 29, 33, 38, 43, 48, 54, 60, 66, 73, 80, 87, 95, 103, 112, 122, 132, 142, 153, 165, 178,
    191, 205, 220, 236, 253, 270, 289, 309, 330, 353, 376, 402, 428, 456, 486,
];

/// Tables and weights, made once and shared by all streams.
#[derive(Debug)]
struct Plan {
    window: [f32; WINDOW],
    transform: Transform,
    /// Weights of the bins of each band, from its first edge on.
    bands: [Vec<f32>; BANDS],
    network: Network,
}

impl Plan {
    fn shared() -> Arc<Self> {
        static PLAN: OnceLock<Arc<Plan>> = OnceLock::new();
        PLAN.get_or_init(|| {
            // In single precision, as the network has learnt it.
            let sine = |i: usize| f64::from((PI / WINDOW as f64) as f32 * i as f32).sin() as f32;
            let weight = |band: usize, bin: usize| {
                let [from, middle, to] = [EDGES[band], EDGES[band + 1], EDGES[band + 2]];
                let (part, whole) = if bin <= middle { (bin - from, middle - from) } else { (to - bin, to - middle) };
                part as f32 / whole as f32
            };
            Arc::new(Self {
                window: std::array::from_fn(|i| sine(i) * sine(i)),
                transform: Transform::new(),
                bands: std::array::from_fn(|b| (EDGES[b]..EDGES[b + 2]).map(|bin| weight(b, bin)).collect()),
                network: Network::new(),
            })
        })
        .clone()
    }
}

/// The detector of one channel.
pub(super) struct Detector {
    plan: Arc<Plan>,
    last: f32,
    samples: [f32; WINDOW],
    frames: [[f32; BANDS]; 3],
    state: State,
    work: [Points<SIZE>; 2],
}

impl Detector {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self {
            plan: Plan::shared(),
            last: 0.0,
            samples: [0.0; WINDOW],
            frames: [[0.0; BANDS]; 3],
            state: [[0; 64]; 2],
            work: [Points::ZERO; 2],
        }
    }

    /// Starts again, as new.
    pub fn reset(&mut self) {
        self.last = 0.0;
        self.samples.fill(0.0);
        self.frames = [[0.0; BANDS]; 3];
        self.state = [[0; 64]; 2];
    }

    /// Probability of speech in the next frame, of samples from -1 to 1.
    pub fn hear(&mut self, frame: &[f32; VAD_FRAME]) -> f32 {
        hear(self, frame)
    }
}

wide! {
    /// Pre-emphasis, window, spectrum, band energies, and the network over them.
    fn hear(detector: &mut Detector, frame: &[f32; VAD_FRAME]) -> f32 {
        let Detector { plan, last, samples, frames, state, work } = detector;
        samples.copy_within(VAD_FRAME.., 0);
        let newest = &mut samples[WINDOW - VAD_FRAME..];
        newest[0] = frame[0] * FULL - EMPHASIS * *last;
        for (i, out) in newest.iter_mut().enumerate().skip(1) {
            *out = frame[i] * FULL - EMPHASIS * (frame[i - 1] * FULL);
        }
        *last = frame[VAD_FRAME - 1] * FULL;
        let [a, b] = work;
        let points = a.re.iter_mut().zip(&mut a.im);
        for ((even, odd), (x, w)) in points.zip(samples.as_chunks::<2>().0.iter().zip(plan.window.as_chunks::<2>().0)) {
            (*even, *odd) = (x[0] * w[0], x[1] * w[1]);
        }
        a.re[WINDOW / 2..].fill(0.0);
        a.im[WINDOW / 2..].fill(0.0);
        plan.transform.power(a, b, 1.0 / (FULL * FULL));
        frames.rotate_left(1);
        let latest = &mut frames[2];
        for ((out, weights), from) in latest.iter_mut().zip(&plan.bands).zip(EDGES) {
            let energy = weights.iter().zip(&b.re[from..]).fold(0.0f32, |sum, (w, p)| sum + p * w);
            *out = (energy + 1e-20).ln();
        }
        plan.network.normalise(latest);
        plan.network.predict(state, frames)
    }
}
