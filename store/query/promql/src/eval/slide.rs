//! Windows that slide over samples, so that each sample is looked at once however much the windows overlap.
//!
//! The samples are cut where windows begin and end. Each stretch between two cuts is folded once; what a window has is put
//! together from its stretches with two stacks: one has what the stretches up to a point have from each of them on, the other
//! grows behind that point. So nothing is ever taken away from a sum, and nothing drifts.

use super::slice::Slice;
use crate::error::Result;
use crate::source::Samples;

/// What the samples of a stretch have in common, so that two stretches that follow each other can be put together.
pub(super) trait Fold: Copy {
    /// Of a stretch that has samples.
    fn of(slice: &Slice<'_>) -> Self;

    /// Of this stretch and the one after it.
    fn then(&self, later: &Self) -> Self;
}

/// The first sample of each window, and the one after its last; both ascend.
pub(super) type Edges = Vec<(usize, usize)>;

/// Windows that have as many samples as this, all together, against the samples that they cover, are folded one by one.
const OVERLAP_MIN: f64 = 1.5;

/// Windows with fewer samples than this are folded one by one.
const SAMPLES_MIN: usize = 16;

/// Calls `each` with each window that has samples: its step, its edges and what it has.
///
/// # Errors
/// The first of `each`.
pub(super) fn slide<F: Fold>(
    samples: &Samples,
    edges: &Edges,
    mut each: impl FnMut(usize, Slice<'_>, F) -> Result<()>,
) -> Result<()> {
    let all: usize = edges.iter().map(|(from, to)| to - from).sum();
    let covered = edges.last().map_or(0, |last| last.1) - edges.first().map_or(0, |first| first.0);
    let whole = |(from, to): (usize, usize)| samples.slice(from, to);
    let present = edges.iter().copied().enumerate().filter(|(_, (from, to))| from < to);
    if (all as f64) < covered as f64 * OVERLAP_MIN || all < edges.len() * SAMPLES_MIN {
        for (step, edge) in present {
            let slice = whole(edge);
            let of = F::of(&slice);
            each(step, slice, of)?;
        }
        return Ok(());
    }
    let mut stacks = Stacks::new(samples, cuts(edges));
    for (step, edge) in present {
        if let Some(of) = stacks.window(edge) {
            each(step, whole(edge), of)?;
        }
    }
    Ok(())
}

/// Where windows begin and end, ascending, each once.
fn cuts(edges: &Edges) -> Vec<usize> {
    let (mut cuts, mut ends) =
        (Vec::with_capacity(edges.len() * 2), edges.iter().map(|edge| edge.1).peekable());
    for (from, _) in edges {
        while let Some(end) = ends.next_if(|end| end < from) {
            cuts.push(end);
        }
        cuts.push(*from);
    }
    cuts.extend(ends);
    cuts.dedup();
    cuts
}

struct Stacks<'s, F> {
    samples: &'s Samples,
    cuts: Vec<usize>,
    /// (first sample, what the samples from there to the start of the back have); the earliest is at the end.
    front: Vec<(usize, F)>,
    /// What all stretches after those of the front have.
    back: Option<F>,
    /// What each of them has.
    behind: Vec<F>,
    /// The cut at which the back begins.
    back_from: usize,
}

impl<'s, F: Fold> Stacks<'s, F> {
    fn new(samples: &'s Samples, cuts: Vec<usize>) -> Stacks<'s, F> {
        Stacks { samples, cuts, front: Vec::new(), back: None, behind: Vec::new(), back_from: 0 }
    }

    /// What a window has, which neither begins nor ends before the last one did.
    fn window(&mut self, (from, to): (usize, usize)) -> Option<F> {
        while self.front.last().is_some_and(|(first, _)| *first < from) {
            self.front.pop();
        }
        if self.front.is_empty() && (self.back.is_none() || self.cuts[self.back_from] < from) {
            self.turn(from, to);
        }
        while self.cuts[self.next()] < to {
            let later = self.stretch(self.next());
            self.back = Some(self.back.map_or(later, |back| back.then(&later)));
            self.behind.push(later);
        }
        match (self.front.last(), &self.back) {
            (Some((_, front)), Some(back)) => Some(front.then(back)),
            (Some((_, front)), None) => Some(*front),
            (None, back) => *back,
        }
    }

    /// The cut up to which stretches have been taken in.
    fn next(&self) -> usize {
        self.back_from + self.behind.len()
    }

    /// Makes all stretches of a window the front. The latest come first.
    fn turn(&mut self, from: usize, to: usize) {
        let first = self.cuts.partition_point(|cut| *cut < from);
        let end = self.cuts.partition_point(|cut| *cut < to);
        self.front.clear();
        for at in (first..end).rev() {
            let known = at.checked_sub(self.back_from).and_then(|index| self.behind.get(index).copied());
            let earlier = known.unwrap_or_else(|| self.stretch(at));
            let of = self.front.last().map_or(earlier, |(_, later)| earlier.then(later));
            self.front.push((self.cuts[at], of));
        }
        self.behind.clear();
        (self.back, self.back_from) = (None, end);
    }

    fn stretch(&self, at: usize) -> F {
        F::of(&self.samples.slice(self.cuts[at], self.cuts[at + 1]))
    }
}
