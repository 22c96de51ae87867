use super::*;

#[test]
fn durations_fit_their_column() {
    for (passed_ms, shown) in [
        (0, "0ms"),
        (-500, "0ms"),
        (125_000, "2m 5s"),
        (86_400_000 * 400, "1y 35d"),
        (-7_200_000, "+2h"),
        (-(31_536_000_000 * 12 + 86_400_000 * 300), "+12y"),
    ] {
        assert_eq!(ago(Some(1_795_348_800_000 - passed_ms), 1_795_348_800_000), shown);
    }
    for (ms, now_ms) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (i64::MIN, 0), (i64::MAX, 0)] {
        assert!(width(&ago(Some(ms), now_ms)) <= 8, "{}", ago(Some(ms), now_ms));
    }
}
