//! Maximal scoring segments: stretches of rows, in some order, whose scores sum higher than any part of
//! them and than any stretch around them.
//!
//! Source: Ruzzo and Tompa, "A Linear Time Algorithm for Finding All Maximal Scoring Subsequences" (1999).

/// A segment: first and one past the last place, and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) score: f64,
}

/// Finds all maximal segments that score at least `least`, in order.
pub(super) fn maximal(scores: impl IntoIterator<Item = f64>, least: f64) -> Vec<Segment> {
    // Each candidate: its bounds, and the sums before and behind it.
    struct Candidate {
        start: usize,
        end: usize,
        left: f64,
        right: f64,
    }
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut sum = 0.0;
    for (place, score) in scores.into_iter().enumerate() {
        let before = sum;
        sum += score;
        if score <= 0.0 {
            continue;
        }
        let mut next = Candidate { start: place, end: place + 1, left: before, right: sum };
        loop {
            // The nearest candidate whose left sum is smaller.
            let Some(at) = candidates.iter().rposition(|c| c.left < next.left) else {
                candidates.push(next);
                break;
            };
            if candidates[at].right >= next.right {
                candidates.push(next);
                break;
            }
            next.start = candidates[at].start;
            next.left = candidates[at].left;
            candidates.truncate(at);
        }
    }
    let segments = candidates.into_iter().map(|c| Segment { start: c.start, end: c.end, score: c.right - c.left });
    segments.filter(|s| s.score >= least).collect()
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
}
