//! Groups of pads that a decoder exposes at once. A chained file has one group after another.

use super::pipeline::Form;
use super::{Delivery, Item};

#[derive(Debug)]
struct Pad {
    /// `None` where it is not announced yet.
    form: Option<Form>,
    ended: bool,
}

/// The pads of the current group and what of them waits to be handed out.
#[derive(Debug, Default)]
pub struct Groups {
    pads: Vec<Pad>,
    /// Number of the first pad of this group.
    first: usize,
    closed: bool,
    open: bool,
    held: Vec<(usize, Item)>,
    ready: Vec<Delivery>,
    position_ns: Option<u64>,
    heard_ns: u64,
}

impl Groups {
    /// Adds a pad; what it carries may be known only later.
    pub fn pad(&mut self, form: Option<Form>) {
        if self.closed {
            self.first += self.pads.len();
            self.pads.clear();
            (self.closed, self.open) = (false, false);
        }
        self.pads.push(Pad { form, ended: false });
    }

    /// Closes the group: it has no more pads.
    pub fn close(&mut self) {
        self.closed = true;
        self.try_open();
    }

    /// Ends all pads: the whole pipeline is at its end.
    pub fn nothing_more(&mut self) {
        self.closed = true;
        self.pads.iter_mut().for_each(|p| p.ended = true);
        self.try_open();
    }

    /// Takes an item of a pad.
    pub fn item(&mut self, pad: usize, item: Item) {
        let Some(place) = pad.checked_sub(self.first).filter(|k| *k < self.pads.len()) else { return };
        let state = &mut self.pads[place];
        match &item {
            Item::Form(info) => state.form = Some(Form::Audio(info.clone())),
            Item::End => state.ended = true,
            Item::Buffer(b) => {
                let end = b.pts().map(|p| p.saturating_add(b.duration().unwrap_or_default()).nseconds());
                self.position_ns = end.or(self.position_ns);
                self.heard_ns = self.heard_ns.max(end.unwrap_or(0));
            }
            _ => {}
        }
        match self.track(place).filter(|_| self.open) {
            Some(track) => self.ready.push(Delivery::Item(track, item)),
            None => self.held.push((place, item)),
        }
        self.try_open();
    }

    /// Notes that a pad carries something else than audio.
    pub fn other(&mut self, pad: usize, name: String) {
        if let Some(p) = pad.checked_sub(self.first).and_then(|k| self.pads.get_mut(k)) {
            p.form = Some(Form::Other(name));
        }
        self.try_open();
    }

    fn track(&self, place: usize) -> Option<usize> {
        let audio = |p: &Pad| matches!(p.form, Some(Form::Audio(_)));
        audio(&self.pads[place]).then(|| self.pads[..place].iter().filter(|p| audio(p)).count())
    }

    fn try_open(&mut self) {
        let known = |p: &Pad| p.ended || p.form.is_some();
        if self.open || !self.closed || !self.pads.iter().all(known) {
            return;
        }
        let audio = |p: &Pad| match &p.form {
            Some(Form::Audio(info)) => Some((**info).clone()),
            _ => None,
        };
        let infos: Vec<_> = self.pads.iter().filter_map(audio).collect();
        if infos.is_empty() {
            return;
        }
        self.open = true;
        self.ready.push(Delivery::Tracks(infos));
        for (place, item) in std::mem::take(&mut self.held) {
            if let Some(track) = self.track(place) {
                self.ready.push(Delivery::Item(track, item));
            }
        }
    }

    /// Takes the deliveries that can be handed out.
    pub fn ready(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.ready)
    }

    /// Takes the end of the last audio.
    pub fn progressed(&mut self) -> Option<u64> {
        self.position_ns.take()
    }

    /// Time up to which there was audio.
    pub fn heard_ns(&self) -> u64 {
        self.heard_ns
    }

    /// Names of the other streams, where it is certain that there is no audio.
    pub fn without_audio(&self) -> Option<Vec<String>> {
        let other = |p: &Pad| match &p.form {
            Some(Form::Other(name)) => Some(name.clone()),
            None if p.ended => Some("an empty stream".to_owned()),
            _ => None,
        };
        let others: Vec<String> = self.pads.iter().filter_map(other).collect();
        (self.closed && others.len() == self.pads.len()).then_some(others)
    }

    /// Whether all audio has been handed out.
    pub fn all_ended(&self) -> bool {
        self.open && self.pads.iter().all(|p| p.ended || !matches!(p.form, Some(Form::Audio(_))))
    }
}
