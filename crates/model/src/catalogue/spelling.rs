//! Which known word was probably meant.

/// The candidate that is most like `word`, if any is like it at all.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Names share prefixes (`japaneast`, `japanwest`), which Jaro-Winkler rewards;
    // 0.8 lets a lost letter or a half-remembered name through and nothing foreign.
    const ALIKE: f64 = 0.8;
    let word = word.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&word, &candidate.to_ascii_lowercase());
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

/// Whether two words differ by one lost, added or changed character, or by two
/// neighbours swapped.
pub(super) fn is_one_edit(left: &str, right: &str) -> bool {
    left.len().abs_diff(right.len()) <= 1 && strsim::osa_distance(left, right) == 1
}
