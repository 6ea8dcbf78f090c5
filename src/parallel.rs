//! Does one piece of work for each of some tables, or of some parts of a table, on two threads. What comes of it is in
//! the order of the tables or parts, whoever was faster.

use std::collections::BTreeMap;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::thread;

/// Threads at work: each holds what it reads, and memory has a bound.
const THREADS: usize = 2;

/// Works on each item as [`each`] does, but on one after the other where the two heaviest together weigh more than
/// `most`: what they hold would not fit beside each other.
pub(crate) fn each_within<T: Sync, R: Send>(items: &[T], most: u64, weight: impl Fn(&T) -> u64, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let mut weights: Vec<u64> = items.iter().map(&weight).collect();
    weights.sort_unstable();
    if weights.iter().rev().take(THREADS).sum::<u64>() > most {
        return items.iter().map(work).collect();
    }
    each(items, weight, work, |_| {})
}

/// Works on each item, the heaviest first; tells of each that is done.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    weight: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T),
) -> Vec<R> {
    // Nothing to share: no thread is needed.
    if let [only] = items {
        let found = work(only);
        done(only);
        return vec![found];
    }
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(weight(&items[*i])), *i));
    let next = AtomicUsize::new(0);
    let (give, take) = channel();
    let mut found: Vec<Option<R>> = items.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            let (give, next, order, work) = (give.clone(), &next, &order, &work);
            scope.spawn(move || {
                while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if give.send((*index, work(&items[*index]))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        for (index, result) in take {
            done(&items[index]);
            found[index] = Some(result);
        }
    });
    found.into_iter().flatten().collect()
}

/// Works on each item and hands what comes of it to `take`, in order and on the calling thread; what lies ready there
/// is bounded. Ends with the first error of `take`.
///
/// # Errors
/// Returns what `take` does.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    // Nothing to share: no thread is needed.
    if items.len() < 2 {
        return items.iter().try_for_each(|item| take(work(item)));
    }
    let next = AtomicUsize::new(0);
    let (give, given) = sync_channel(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (give, next, work) = (give.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { return };
                    // Nobody takes it any more where `take` has failed.
                    if give.send((index, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        let mut early: BTreeMap<usize, R> = BTreeMap::new();
        let mut turn = 0;
        let mut taken = Ok(());
        for (index, result) in &given {
            early.insert(index, result);
            while let Some(result) = early.remove(&turn) {
                turn += 1;
                taken = take(result);
                if taken.is_err() {
                    break;
                }
            }
            if taken.is_err() {
                break;
            }
        }
        // Whoever still waits to give learns that nobody takes.
        drop(given);
        taken
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_on_in_order_and_ends_with_an_error() {
        let items: Vec<u64> = (0..1_000).collect();
        let mut seen = Vec::new();
        let slow = |n: &u64| (0..(n % 7) * 1_000).fold(*n, |a, b| if b == u64::MAX { b } else { a });
        let taken: Result<(), ()> = in_order(&items, slow, |n| {
            seen.push(n);
            Ok(())
        });
        assert!(taken.is_ok() && seen == items);
        let mut count = 0;
        let taken = in_order(
            &items,
            |n| *n,
            |n| {
                count += 1;
                if n == 17 { Err(n) } else { Ok(()) }
            },
        );
        assert_eq!((taken, count), (Err(17), 18));
    }

    #[test]
    fn keeps_the_order() {
        let items: Vec<u64> = (0..100).collect();
        let mut seen = 0;
        assert_eq!(each(&items, |n| *n, |n| n * n, |_| seen += 1), items.iter().map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(seen, 100);
        assert!(each(&Vec::<u64>::new(), |n| *n, |n| *n, |_| {}).is_empty());
    }
}
