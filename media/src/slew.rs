//! Slewing of sample-counted time to the time stamps of the buffers: a continuous, piecewise linear map that follows slowly.
//!
//! A sender's clock drifts against the receiver's, and jitterbuffers move times by some milliseconds a buffer. Where the two times
//! part by more than [`DEAD_BAND`], the line runs faster or slower until they meet again: times of results stay strictly
//! monotone, and where the times agree they are the counted ones exactly.

use std::collections::VecDeque;

/// Differences up to this are left alone, in ns.
const DEAD_BAND: i64 = 16_000_000;
/// A correction goes on until the difference is below this, in ns.
const MET: i64 = 8_000_000;
/// Slowest correction, in parts per million: 10 ms a second.
const SLOWEST: i64 = 10_000;
/// Fastest correction, in parts per million, of a line that is late, and of one that is early: times never run faster than one and a
/// half, nor slower than a sixteenth. Jitterbuffers give a burst of packets one and the same time.
const FASTEST: i64 = 500_000;
const SLOWEST_PACE: i64 = 937_500;
/// Difference beyond the dead band at which a correction reaches half, in ns: together well within the tolerance of buffers.
const HALF: i64 = 16_000_000;
/// Number of breakpoints that are kept; there is at most one a buffer and most of the time none: 41 s of the worst line with buffers of 20 ms.
const KEPT: usize = 2048;
const MILLION: i128 = 1_000_000;

/// Breakpoint of the map.
#[derive(Debug, Clone, Copy, Default)]
struct Bend {
    counted: u64,
    buffer_time: u64,
    /// Excess rate from here on, in parts per million.
    rate_ppm: i64,
}

impl Bend {
    fn buffer_time(&self, counted: u64) -> u64 {
        let passed = counted.saturating_sub(self.counted);
        let more = i128::from(passed) * i128::from(self.rate_ppm) / MILLION;
        let time = i128::from(self.buffer_time) + i128::from(passed) + more;
        u64::try_from(time.max(0)).unwrap_or(u64::MAX)
    }
}

/// Map from counted time to buffer time, in ns from the first sample; it begins as the identity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slew {
    bends: VecDeque<Bend>,
}

impl Slew {
    /// Buffer time of a counted time.
    pub fn buffer_time(&self, counted: u64) -> u64 {
        let later = self.bends.partition_point(|b| b.counted <= counted);
        match (later.checked_sub(1).and_then(|k| self.bends.get(k)), self.bends.front()) {
            (Some(bend), _) => bend.buffer_time(counted),
            // Before the bends that are kept: straight from the beginning, where both times are 0.
            (None, Some(first)) if first.counted > 0 => {
                let part = u128::from(counted) * u128::from(first.buffer_time) / u128::from(first.counted);
                u64::try_from(part).unwrap_or(u64::MAX)
            }
            (None, _) => counted,
        }
    }

    /// Whether the line runs slow at its end, since the times of the buffers fall behind.
    pub fn runs_slow(&self) -> bool {
        self.bends.back().is_some_and(|b| b.rate_ppm < 0)
    }

    /// Follows a buffer whose time stamp is `buffer_time` and whose first sample has the counted time `counted`, not before those of the
    /// calls before. Returns by how much the map is early there (negative: late), in ns.
    pub fn follow(&mut self, counted: u64, buffer_time: u64) -> i64 {
        let line_time = self.buffer_time(counted);
        let late = i64::try_from(i128::from(buffer_time) - i128::from(line_time))
            .unwrap_or(if buffer_time > line_time { i64::MAX } else { i64::MIN });
        let current = self.bends.back().map_or(0, |b| b.rate_ppm);
        let size = late.saturating_abs();
        let same_way = current != 0 && (current > 0) == (late > 0);
        let rate_ppm = if size > DEAD_BAND || same_way && size > MET {
            let beyond = (size - DEAD_BAND).clamp(0, 2 * HALF);
            let most = if late > 0 { FASTEST } else { SLOWEST_PACE };
            late.signum() * (beyond / 1000 * 500_000 / (HALF / 1000)).clamp(SLOWEST, most)
        } else {
            0
        };
        // A correction that changes by less than an eighth is left as it is, unless it is to be the fastest, or none.
        if (rate_ppm - current).abs() > current.abs() / 8
            || rate_ppm != current && (rate_ppm == 0 || rate_ppm == FASTEST || rate_ppm == -SLOWEST_PACE)
        {
            if self.bends.len() == KEPT {
                self.bends.pop_front();
            }
            self.bends.push_back(Bend { counted, buffer_time: line_time, rate_ppm });
        }
        late.saturating_neg()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUFFER: u64 = 20_000_000;

    /// Follows `count` buffers with these times and returns the largest difference; checks that times go forward.
    fn worst(count: u64, buffer_time: impl Fn(u64) -> u64) -> (u64, usize) {
        let mut line = Slew::default();
        let (mut worst, mut before) = (0, 0);
        for k in 0..count {
            line.follow(k * BUFFER, buffer_time(k));
            worst = worst.max(line.buffer_time(k * BUFFER).abs_diff(buffer_time(k)));
            for part in 1..=4 {
                let time = line.buffer_time(k * BUFFER + part * BUFFER / 4);
                assert!(time > before || k == 0, "{time} after {before} in buffer {k}");
                before = time;
            }
        }
        (worst, line.bends.len())
    }

    #[test]
    fn times_that_agree_are_the_counted_ones_to_the_nanosecond() {
        let mut line = Slew::default();
        for k in 0..10_000 {
            line.follow(k * BUFFER, k * BUFFER + (k * 7_919 % 1_601) * 10_000);
        }
        assert!(line.bends.is_empty());
        assert_eq!(line.buffer_time(123_456_789), 123_456_789);
    }

    #[test]
    fn drift_is_followed_within_17_ms_for_an_hour() {
        for ppm in [-200i64, -50, 50, 100, 200] {
            let buffer_time = |k: u64| ((k * BUFFER) as i64 + (k * BUFFER) as i64 / 1_000_000 * ppm) as u64;
            let (worst, bends) = worst(180_000, buffer_time);
            assert!(worst <= 17_000_000, "{ppm} ppm: {worst} ns");
            assert!(bends < 200, "{ppm} ppm: {bends} bends");
        }
    }

    #[test]
    fn moves_of_10_ms_a_buffer_stay_within_the_tolerance() {
        for sign in [-1i64, 1] {
            let buffer_time = |k: u64| ((k * BUFFER) as i64 + sign * 10_000_000 * k.min(50) as i64) as u64;
            let (worst, _) = worst(500, buffer_time);
            assert!(worst <= 41_000_000, "{sign}: {worst} ns");
        }
    }

    #[test]
    fn a_move_is_made_up_for_and_nothing_swings() {
        let mut line = Slew::default();
        let mut late = Vec::new();
        for k in 0..200u64 {
            let buffer_time = k * BUFFER + if k < 10 { 0 } else { 35_000_000 };
            late.push(-line.follow(k * BUFFER, buffer_time));
        }
        assert_eq!(late[10], 35_000_000);
        assert!(late[11..].windows(2).all(|w| w[1] <= w[0] && w[1] >= 0), "{late:?}");
        assert!(late[199] <= MET);
    }

    /// Two seconds of packets with one and the same time, as a jitterbuffer gives a burst, then times that go on.
    #[test]
    fn a_burst_is_followed() {
        let buffer_time = |k: u64| (k.min(50) + k.saturating_sub(150)) * BUFFER;
        let (worst, _) = worst(400, buffer_time);
        assert!(worst <= 250_000_000, "{worst} ns");
        let mut line = Slew::default();
        let late = (0..400).fold(0, |_, k| line.follow(k * BUFFER, buffer_time(k)));
        assert!(late.abs() <= DEAD_BAND, "{late}");
    }

    /// Beyond what is kept the line stays continuous and monotone.
    #[test]
    fn forgotten_bends_leave_a_straight_line() {
        let mut line = Slew::default();
        let (mut buffer_time, mut kept) = (0u64, 0);
        for k in 0..20_000u64 {
            buffer_time +=
                BUFFER + if k / 40 % 2 == 0 { 6_000_000 } else { 0 } - if k / 40 % 2 == 1 { 6_000_000 } else { 0 };
            line.follow(k * BUFFER, buffer_time);
            kept = kept.max(line.bends.len());
        }
        assert_eq!(kept, KEPT, "the test reaches the end of what is kept");
        let times: Vec<u64> = (0..20_000).map(|k| line.buffer_time(k * BUFFER)).collect();
        assert_eq!(times[0], 0);
        assert!(times.windows(2).all(|w| w[1] > w[0]));
    }
}
