//! "Did you mean …?": the known word nearest to one that was typed.

/// The candidate that is the fewest edits away from `word`, if that is few for its length.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // A third of the word: a slip of the hand (two letters swapped are two edits), not another word.
    let distance_max = word.chars().count().div_ceil(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements of a character that turn `a` into `b` (Levenshtein 1965), row by
/// row (Wagner and Fischer 1974).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // row[j]: the distance from what of `a` has been seen to the first j characters of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("", "poll"), 4);
        assert_eq!(distance("poll", ""), 4);
        assert_eq!(distance("epoll", "poll"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("größe", "grösse"), 2);
    }

    #[test]
    fn slips_are_recognised() {
        let names = ["threads", "select", "poll", "epoll", "epoll-edge", "uring", "sqpoll"];
        let slips =
            [("thread", "threads"), ("EPOLL", "epoll"), ("epoll_edge", "epoll-edge"), ("urnig", "uring")];
        for (typed, meant) in slips {
            assert_eq!(nearest(typed, names), Some(meant), "{typed}");
        }
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("x", names), None);
        assert_eq!(nearest("apache", names), None);
    }
}
