//! Tests that cannot run are counted, and fail where what they need is required.

use crate::common::skip::skip;

#[test]
fn a_skipped_test_is_counted_and_fails_where_it_must_run() {
    let folder = tempfile::tempdir().unwrap();
    let counted = folder.path().join("skipped");
    skip("parity", "no numbers", "window, graphics", Some(&counted));
    skip("cuda", "no such device", "", Some(&counted));
    skip("parity", "nobody counts", "", None);
    let lines = std::fs::read_to_string(&counted).unwrap();
    let test = "skipping::a_skipped_test_is_counted_and_fails_where_it_must_run";
    assert_eq!(lines, format!("skipped: {test}: no numbers\nskipped: {test}: no such device\n"));

    let required = || skip("parity", "no numbers", "graphics, parity", Some(&counted));
    let message = *std::panic::catch_unwind(required).unwrap_err().downcast::<String>().unwrap();
    assert_eq!(message, format!("{test} needs what IDGAN_REQUIRE calls parity: no numbers"));
    assert_eq!(std::fs::read_to_string(&counted).unwrap(), lines, "a test that fails is not skipped");
}
