//! The cases of `tests/rules/sequences`.

use std::path::Path;

use super::case::cases;

#[test]
fn sequences_come_to_what_the_table_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/sequences");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut count, mut wrong) = (0, String::new());
    for file in files {
        for case in cases(&std::fs::read_to_string(&file).unwrap()) {
            count += 1;
            let got = case.run();
            if got != case.expected {
                let name = file.file_name().unwrap().display();
                wrong += &format!("{name}: {}\nexpected\n{}got\n{got}\n", case.title, case.expected);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 40, "{count} cases");
}
