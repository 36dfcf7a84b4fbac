//! Events: interruptions, backchannels, turns and reply gaps, out of the spurts of all parties.
//!
//! A turn begins when a party speaks alone and goes on until another one speaks alone (Jaffe and Feldstein, Rhythms of Dialogue, 1970): speech
//! that lies wholly inside the other's takes no turn. With more than two parties "the other" is all others together.

use super::Parameters;
use super::spurts::Spurt;

/// What follows from the spurts of one party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartyEvents {
    /// Its interruptions: the frames in which both speak.
    pub interruptions: Vec<Spurt>,
    /// Its backchannels.
    pub backchannels: u64,
    /// Lengths of its turns, in frames.
    pub turns: Vec<u64>,
    /// Silence between the end of another one's turn and its own onset, in frames, of every turn that begins after one.
    pub reply_gaps: Vec<u64>,
}

/// What follows from the spurts, for each party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Events(pub Vec<PartyEvents>);

/// The events of spurts, each party's in order of time. Nothing is read across `breaks`, which are in order and apart; `frames` is where the
/// conversation is.
pub(super) fn events(parties: &[Vec<Spurt>], breaks: &[Spurt], frames: u64, parameters: &Parameters) -> Events {
    let mut out = vec![PartyEvents::default(); parties.len()];
    let mut places = vec![0; parties.len()];
    let mut start = 0;
    let ends = breaks.iter().map(|b| (b.start, b.end)).chain([(frames, frames)]);
    for (end, next) in ends {
        let inside: Vec<Vec<Spurt>> =
            parties.iter().zip(&mut places).map(|(all, place)| clipped(all, place, start, end)).collect();
        section(&inside, parameters, &mut out);
        start = next;
    }
    Events(out)
}

/// The parts of spurts inside `start .. end`; `place` is the first one that may reach into it.
fn clipped(all: &[Spurt], place: &mut usize, start: u64, end: u64) -> Vec<Spurt> {
    while all.get(*place).is_some_and(|s| s.end <= start) {
        *place += 1;
    }
    let reaching = all[*place..].iter().take_while(|s| s.start < end);
    reaching.map(|s| Spurt { start: s.start.max(start), end: s.end.min(end) }).collect()
}

/// Events of a section without a break.
fn section(parties: &[Vec<Spurt>], parameters: &Parameters, out: &mut [PartyEvents]) {
    for (party, own) in parties.iter().enumerate() {
        let others = joined(parties, party);
        let mut place = 0;
        for s in own {
            while others.get(place).is_some_and(|o| o.end <= s.start) {
                place += 1;
            }
            if let Some(other) = others.get(place).filter(|o| o.start < s.start) {
                meet(s, other, parameters, &mut out[party]);
            }
        }
    }
    turns(parties, out);
}

/// A spurt begins inside another one's.
fn meet(own: &Spurt, other: &Spurt, p: &Parameters, out: &mut PartyEvents) {
    let overlap = own.end.min(other.end) - own.start;
    let into = own.start - other.start;
    // At the edge of a section it is not known how either goes on: only what is seen to end counts.
    if own.end < other.end {
        out.backchannels += u64::from(own.end - own.start <= u64::from(p.backchannel));
    } else if into >= u64::from(p.interruption_into)
        && overlap >= u64::from(p.interruption_overlap)
        && own.end - other.end >= u64::from(p.interruption_after)
    {
        out.interruptions.push(Spurt { start: own.start, end: own.start + overlap });
    }
}

/// The spurts of all parties but one, joined where they touch.
fn joined(parties: &[Vec<Spurt>], but: usize) -> Vec<Spurt> {
    let others = parties.iter().enumerate().filter(|(k, _)| *k != but);
    let mut all: Vec<Spurt> = others.flat_map(|(_, spurts)| spurts.iter().copied()).collect();
    all.sort_unstable_by_key(|s| (s.start, s.end));
    let mut out: Vec<Spurt> = Vec::with_capacity(all.len());
    for s in all {
        match out.last_mut().filter(|o| s.start <= o.end) {
            Some(o) => o.end = o.end.max(s.end),
            None => out.push(s),
        }
    }
    out
}

/// The turn of a party.
struct Turn {
    party: usize,
    start: u64,
    end: u64,
}

fn turns(parties: &[Vec<Spurt>], out: &mut [PartyEvents]) {
    // Edges of spurts in order of time, ends before starts.
    let mut edges: Vec<(u64, bool, usize)> = Vec::new();
    for (party, spurts) in parties.iter().enumerate() {
        edges.extend(spurts.iter().flat_map(|s| [(s.start, true, party), (s.end, false, party)]));
    }
    edges.sort_unstable();
    let mut speaking: Vec<Option<u64>> = vec![None; parties.len()];
    let mut turn: Option<Turn> = None;
    let mut edges = edges.into_iter().peekable();
    while let Some((at, starts, party)) = edges.next() {
        speaking[party] = starts.then_some(at);
        let Some(&(next, ..)) = edges.peek().filter(|e| e.0 > at) else { continue };
        let mut active = speaking.iter().enumerate().filter_map(|(k, since)| Some((k, (*since)?)));
        let alone = active.next().filter(|_| active.next().is_none());
        if let Some((k, since)) = alone.filter(|(k, _)| turn.as_ref().is_none_or(|t| t.party != *k)) {
            if let Some(before) = turn.take() {
                out[k].reply_gaps.extend(since.checked_sub(before.end));
                out[before.party].turns.push(before.end - before.start);
            }
            turn = Some(Turn { party: k, start: since, end: since });
        }
        if let Some(t) = turn.as_mut().filter(|t| speaking[t.party].is_some()) {
            t.end = next;
        }
    }
    if let Some(t) = turn {
        out[t.party].turns.push(t.end - t.start);
    }
}
