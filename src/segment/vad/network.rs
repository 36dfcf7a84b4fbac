//! Network of the detector: three small convolutions over the bands of three frames, and two gated recurrent layers in integers.
//!
//! Every output adds up its inputs in the order of the original, and many outputs are worked on at a time: the same bits.

use std::array::from_fn;

/// Channels of the convolutions.
const CHANNELS: usize = 16;
type Channels = [f32; CHANNELS];
/// Columns after the first and the second convolution, and after the third.
const FIRST: usize = 18;
const SECOND: usize = 9;
const THIRD: usize = 5;
/// Numbers that enter the recurrent layers, and that each of them remembers.
const ENTER: usize = THIRD * CHANNELS;
const STATE: usize = 64;
/// Greatest gate: 1 in steps of 2^-24, less one of them.
const OPEN: i64 = (1 << 24) - 1;

/// The weights as they were published: numbers of 32 bits, then of 16, least byte first.
static PUBLISHED: &[u8] = include_bytes!("weights.bin");

/// Weights of the network, those of many outputs at a time side by side.
#[derive(Debug)]
pub(super) struct Network {
    /// Weights of the bands as they enter.
    bands: [f32; 40],
    kernel: [f32; 9],
    weight: Channels,
    bias: Channels,
    second: Convolution,
    second_bias: Channels,
    third: Convolution,
    recurrent: [Vec<i16>; 2],
    output: [i16; 2 * STATE],
}

/// A convolution over three columns within each channel, and a matrix over the channels.
#[derive(Debug)]
struct Convolution {
    columns: [Channels; 3],
    matrix: [Channels; CHANNELS],
}

/// What the network remembers.
pub(super) type State = [[i16; STATE]; 2];

impl Network {
    pub fn new() -> Self {
        let number = |i: usize| f32::from_le_bytes(from_fn(|b| PUBLISHED[4 * i + b]));
        let small = |from: usize, i: usize| i16::from_le_bytes(from_fn(|b| PUBLISHED[4 * from + 2 * i + b]));
        let convolution = |kernel: usize, matrix: usize| Convolution {
            columns: from_fn(|k| from_fn(|c| number(kernel + 3 * c + k))),
            matrix: from_fn(|c| from_fn(|out| number(matrix + CHANNELS * out + c))),
        };
        Self {
            bands: from_fn(number),
            kernel: from_fn(|i| number(40 + i)),
            weight: from_fn(|i| number(49 + i)),
            bias: from_fn(|i| number(65 + i)),
            second: convolution(81, 129),
            second_bias: from_fn(|i| number(385 + i)),
            third: convolution(401, 449),
            recurrent: [
                (0..2 * STATE * ENTER).map(|i| small(705, i)).collect(),
                (0..2 * STATE * STATE).map(|i| small(5825, i)).collect(),
            ],
            output: from_fn(|i| small(9921, i)),
        }
    }

    /// Band energies as they enter: their logarithms, weighted, relative to their root mean square.
    #[inline(always)]
    pub fn normalise(&self, logs: &mut [f32; 40]) {
        let scale = (logs.iter().map(|x| x * x).sum::<f32>() / 40.0).sqrt().recip();
        for (x, w) in logs.iter_mut().zip(&self.bands) {
            *x = w * *x * scale;
        }
    }

    /// The probability of speech, by the bands of the last three frames, the latest one last.
    #[inline(always)]
    pub fn predict(&self, state: &mut State, frames: &[[f32; 40]; 3]) -> f32 {
        let entered = self.enter(frames);
        let [first, second] = state;
        recur(&self.recurrent[0], &entered, first);
        recur(&self.recurrent[1], first, second);
        let heard = |part: &[i16; STATE], from: usize| product(part, &self.output[from..from + STATE]);
        let sum = heard(first, 0).wrapping_add(heard(second, STATE));
        1.0 / (1.0 + (-(sum as f32 / 16_777_216.0)).exp())
    }

    /// The three convolutions.
    #[inline(always)]
    fn enter(&self, frames: &[[f32; 40]; 3]) -> [i16; ENTER] {
        let mut row = [0.0f32; 38];
        for (k, frame) in frames.iter().enumerate() {
            for w in 0..3 {
                for x in 0..38 {
                    row[x] += frame[x + w] * self.kernel[3 * k + w];
                }
            }
        }
        // The greatest of three neighbours, of every second one, and not below 0.
        let mut first = [[0.0f32; CHANNELS]; FIRST];
        for (q, out) in first.iter_mut().enumerate() {
            for x in &row[2 * q..2 * q + 3] {
                for c in 0..CHANNELS {
                    let y = x * self.weight[c] + self.bias[c];
                    out[c] = if y > out[c] { y } else { out[c] };
                }
            }
        }
        let mut second = [[0.0f32; CHANNELS]; SECOND];
        for (column, out) in second.iter_mut().enumerate() {
            let sums = self.second.at(&first, column);
            for c in 0..CHANNELS {
                let y = sums[c] + self.second_bias[c];
                out[c] = if y > 0.0 { y } else { 0.0 };
            }
        }
        let mut out = [0i16; ENTER];
        for (column, out) in out.chunks_exact_mut(CHANNELS).enumerate() {
            let sums = self.third.at(&second, column);
            for c in 0..CHANNELS {
                out[c] = rounded(sums[c] * 32_768.0);
            }
        }
        out
    }
}

impl Convolution {
    /// One column out of every second one; beyond the edges there is nothing.
    #[inline(always)]
    fn at<const COLUMNS: usize>(&self, x: &[Channels; COLUMNS], column: usize) -> Channels {
        let mut within = [0.0f32; CHANNELS];
        for (k, kernel) in self.columns.iter().enumerate() {
            let Some(x) = (2 * column + k).checked_sub(1).and_then(|i| x.get(i)) else { continue };
            for c in 0..CHANNELS {
                within[c] += x[c] * kernel[c];
            }
        }
        let mut out = [0.0f32; CHANNELS];
        for (x, row) in within.iter().zip(&self.matrix) {
            for c in 0..CHANNELS {
                out[c] += x * row[c];
            }
        }
        out
    }
}

/// The nearest integer, halves away from 0, within 16 bits.
#[inline(always)]
fn rounded(x: f32) -> i16 {
    let x = x.clamp(-40_000.0, 40_000.0);
    let whole = x as i32;
    let rest = x - whole as f32;
    (whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)).clamp(-32_768, 32_767) as i16
}

/// Sum of products.
#[inline(always)]
fn product(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0i32, |sum, (a, b)| sum.wrapping_add(i32::from(*a) * i32::from(*b)))
}

/// A minimal gated unit: what enters proposes a new state and how far it counts.
#[inline(always)]
fn recur<const IN: usize>(weights: &[i16], x: &[i16; IN], state: &mut [i16; STATE]) {
    let mut sums = [0i32; 2 * STATE];
    for (s, row) in sums.iter_mut().zip(weights.as_chunks::<IN>().0) {
        *s = product(x, row);
    }
    for i in 0..STATE {
        let gate = i64::from(sums[STATE + i].wrapping_shl(2)).clamp(0, OPEN);
        let y = (OPEN - gate) * (i64::from(state[i]) << 9) + gate * i64::from(sums[i]);
        state[i] = (y >> 33).clamp(-32_768, 32_767) as i16;
    }
}
