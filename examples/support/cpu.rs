//! What the program cost.

/// CPU seconds of this process so far, all threads; `None` where the system doesn't tell.
pub(crate) fn seconds() -> Option<f64> {
    parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// proc(5): user and system time are fields 14 and 15, in ticks of 1/100 s. The name before them may
/// hold spaces and ends with the last bracket.
fn parse(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat = "7 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 250 125 0 0 20";
        assert_eq!(parse(stat), Some(3.75));
        assert_eq!(parse("7 (short) R 1"), None);
    }
}
