//! Roles of columns against labels given by hand before the inference was written, over the public dumps that
//! `UNSEED_DUMPS` names; and that one line of `unseed.toml` mends a wrong guess.

use std::collections::BTreeMap;

use crate::harness::{Desk, public_dumps, root};

/// Share of the columns that must be right. Source: the project's own aim.
const RIGHT: f64 = 0.95;

/// Role by table and column.
type Roles = BTreeMap<(String, String), String>;

/// Labels by the files of a dump, blanks between them.
fn labels() -> BTreeMap<String, Roles> {
    let mut labels: BTreeMap<String, Roles> = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("fixtures/roles")).expect("labels") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "csv") {
            for record in csv::Reader::from_path(path).expect("labels").records() {
                let record = record.expect("a label");
                let key = (record[1].to_owned(), record[2].to_owned());
                let known = labels.entry(record[0].to_owned()).or_default().insert(key, record[3].to_owned());
                assert_eq!(known, None, "labelled twice: {record:?}");
            }
        }
    }
    labels
}

fn inferred(desk: &Desk, case: &str) -> BTreeMap<(String, String), (String, String)> {
    let case = desk.case(case);
    let sql = "SELECT table_name, column_name, role, role_source FROM unseed_columns JOIN unseed_tables USING (table_id)";
    let mut statement = case.prepare(sql).expect("columns");
    let rows = statement.query_map([], |r| Ok(((r.get(0)?, r.get(1)?), (r.get(2)?, r.get(3)?)))).expect("columns");
    rows.map(|r| r.expect("a column")).collect()
}

#[test]
fn roles_of_the_public_dumps_are_right() {
    let labels = labels();
    let Some(folder) = public_dumps("roles", &format!("{} databases", labels.len())) else { return };
    let (mut right, mut all) = (0, 0);
    for (dump, labels) in &labels {
        let desk = Desk::new();
        let mut words = vec!["scan".to_owned()];
        words.extend(dump.split(' ').map(|f| folder.join(f).display().to_string()));
        words.extend(["-o".to_owned(), "out".to_owned(), "-q".to_owned()]);
        desk.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
        let roles = inferred(&desk, "out/case.db");
        assert!(labels.keys().all(|k| roles.contains_key(k)), "{dump}: labels of columns that are not there");
        let hits = roles.iter().filter(|(k, r)| labels.get(k) == Some(&r.0)).count();
        println!("{dump}: {hits} of {} columns, {:.1} %", roles.len(), 100.0 * hits as f64 / roles.len() as f64);
        right += hits;
        all += roles.len();
    }
    println!("all: {right} of {all} columns, {:.1} %", 100.0 * f64::from(right as u32) / f64::from(all as u32));
    assert!(f64::from(right as u32) >= RIGHT * f64::from(all as u32), "{right} of {all}");
}

#[test]
fn one_line_mends_a_role() {
    let desk = Desk::new();
    let mut dump = String::from("CREATE TABLE members (id integer PRIMARY KEY, a1 text, created_at timestamp);\n");
    for i in 0..40 {
        dump.push_str(&format!("INSERT INTO members VALUES ({i}, 'Composer {i}', '2026-01-{:02} 10:00:00');\n", i % 28 + 1));
    }
    desk.write("dump.sql", dump);
    let role = |desk: &Desk, case: &str| inferred(desk, case)[&("members".to_owned(), "a1".to_owned())].clone();
    desk.unseed("scan dump.sql -o before -q").exits(0);
    let before = role(&desk, "before/case.db");
    assert_eq!(before.1, "inferred");
    assert_ne!(before.0, "company");
    desk.write("unseed.toml", "[tables.members]\ncolumns.a1 = \"company\"\n");
    desk.unseed("scan dump.sql -o after -q").exits(0);
    assert_eq!(role(&desk, "after/case.db"), ("company".to_owned(), "config".to_owned()));
    // The mend holds on a case that was ingested before it, too, and it is the column's alone.
    desk.unseed("analyze before/case.db -q").exits(0);
    assert_eq!(role(&desk, "before/case.db").0, "company");
    assert_eq!(inferred(&desk, "before/case.db")[&("members".to_owned(), "created_at".to_owned())].1, "inferred");
    desk.write("unseed.toml", "[tables.members]\ncolumns.a1 = \"compani\"\n");
    desk.unseed("analyze before/case.db -q").exits(2).says(&["unseed.toml:2", "company"]);
}
