//! Does one piece of work for each of some tables, on two threads. What comes of it is in the order of the tables,
//! whoever was faster.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// Threads at work: each holds what it reads, and memory has a bound.
const THREADS: usize = 2;

/// Works on each item, the heaviest first; tells of each that is done.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    weight: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
    mut done: impl FnMut(&T),
) -> Vec<R> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order() {
        let items: Vec<u64> = (0..100).collect();
        let mut seen = 0;
        assert_eq!(each(&items, |n| *n, |n| n * n, |_| seen += 1), items.iter().map(|n| n * n).collect::<Vec<_>>());
        assert_eq!(seen, 100);
        assert!(each(&Vec::<u64>::new(), |n| *n, |n| *n, |_| {}).is_empty());
    }
}
