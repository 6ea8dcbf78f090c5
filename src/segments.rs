//! Maximal scoring segments: stretches of rows, in some order, whose scores sum higher than any part of
//! them and than any stretch around them.
//!
//! Source: Ruzzo and Tompa, "A Linear Time Algorithm for Finding All Maximal Scoring Subsequences" (1999).

/// A segment: first and one past the last place, and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) score: f64,
}

/// Finds all maximal segments that score at least `least`, in order.
pub(crate) fn maximal(scores: impl IntoIterator<Item = f64>, least: f64) -> Vec<Segment> {
    let [found] = maximal_of_each(scores.into_iter().map(|score| [score]), least);
    found
}

/// Does the same for several scores of each place at once: to add one up is to wait, and they wait together.
pub(crate) fn maximal_of_each<const N: usize>(scores: impl Iterator<Item = [f64; N]>, least: f64) -> [Vec<Segment>; N] {
    let mut candidates: [Candidates; N] = std::array::from_fn(|_| Candidates::default());
    let mut sums = [0.0; N];
    for (place, scores) in scores.enumerate() {
        for ((score, sum), candidates) in scores.into_iter().zip(&mut sums).zip(&mut candidates) {
            let before = *sum;
            *sum += score;
            if score > 0.0 {
                candidates.rise(place, before, *sum);
            }
        }
    }
    candidates.map(|candidates| candidates.segments(least))
}

/// A segment that may still become part of a longer one: its bounds, the sums before and behind it, and the nearest one
/// before it whose left sum is smaller. Following those links instead of looking at every candidate is what keeps the
/// time linear.
struct Candidate {
    start: usize,
    end: usize,
    left: f64,
    right: f64,
    smaller: Option<usize>,
}

#[derive(Default)]
struct Candidates(Vec<Candidate>);

impl Candidates {
    /// Takes a place whose score is positive, with the sums before and behind it.
    fn rise(&mut self, place: usize, before: f64, behind: f64) {
        let candidates = &mut self.0;
        let mut next = Candidate { start: place, end: place + 1, left: before, right: behind, smaller: None };
        let mut nearest = candidates.len().checked_sub(1);
        loop {
            while let Some(at) = nearest.filter(|at| candidates[*at].left >= next.left) {
                nearest = candidates[at].smaller;
            }
            match nearest {
                Some(at) if candidates[at].right < next.right => {
                    next.start = candidates[at].start;
                    next.left = candidates[at].left;
                    nearest = candidates[at].smaller;
                    candidates.truncate(at);
                }
                _ => {
                    next.smaller = nearest;
                    candidates.push(next);
                    return;
                }
            }
        }
    }

    fn segments(self, least: f64) -> Vec<Segment> {
        let segments = self.0.into_iter().map(|c| Segment { start: c.start, end: c.end, score: c.right - c.left });
        let mut found: Vec<Segment> = segments.filter(|s| s.score >= least).collect();
        // They lie where the candidates lay, of which there were many more.
        found.shrink_to_fit();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_example_of_the_paper() {
        let scores = [4.0, -5.0, 3.0, -3.0, 1.0, 2.0, -2.0, 2.0, -2.0, 1.0, 5.0];
        let found: Vec<(usize, usize, f64)> = maximal(scores, 0.5).into_iter().map(|s| (s.start, s.end, s.score)).collect();
        assert_eq!(found, [(0, 1, 4.0), (2, 3, 3.0), (4, 11, 7.0)]);
    }

    /// As the paper defines them: of all stretches the best one, then the best ones before and behind it.
    fn by_definition(scores: &[f64], start: usize, found: &mut Vec<(usize, usize)>) {
        let sum = |from: usize, to: usize| scores[from..to].iter().sum::<f64>();
        let stretches = (0..scores.len()).flat_map(|from| (from + 1..=scores.len()).map(move |to| (from, to)));
        // Of equal ones the shortest, then the first.
        let best = stretches.max_by(|a, b| sum(a.0, a.1).total_cmp(&sum(b.0, b.1)).then((b.1 - b.0).cmp(&(a.1 - a.0))).then(b.0.cmp(&a.0)));
        if let Some((from, to)) = best.filter(|b| sum(b.0, b.1) > 0.0) {
            by_definition(&scores[..from], start, found);
            found.push((start + from, start + to));
            by_definition(&scores[to..], start + to, found);
        }
    }

    proptest::proptest! {
        #[test]
        fn finds_what_the_definition_says(scores in proptest::collection::vec(-9_i32..9, 0..40)) {
            // Small distinct fractions keep sums from being equal.
            let scores: Vec<f64> = scores.iter().enumerate().map(|(place, s)| f64::from(*s) + 0.001 * (place as f64 + 1.0).sqrt()).collect();
            let mut expected = Vec::new();
            by_definition(&scores, 0, &mut expected);
            let found: Vec<(usize, usize)> = maximal(scores.iter().copied(), 0.0).iter().map(|s| (s.start, s.end)).collect();
            proptest::prop_assert_eq!(&found, &expected);
            // Beside others it is found alike.
            let [first, second] = maximal_of_each(scores.iter().map(|score| [*score, -score]), 0.0);
            let places = |found: Vec<Segment>| found.iter().map(|s| (s.start, s.end)).collect::<Vec<(usize, usize)>>();
            proptest::prop_assert_eq!(places(first), expected);
            proptest::prop_assert_eq!(places(second), places(maximal(scores.iter().map(|score| -score), 0.0)));
        }
    }
}
