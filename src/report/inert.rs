//! Property: whatever a snapshot holds, a report's structure stays the same. The same report is rendered with a harmless
//! text and with an arbitrary one in every place that data can reach; elements, attributes, records and lines must agree.

use proptest::prelude::*;

use super::model::{
    Bound, Cell, CohortReport, CohortTableReport, Coverage, Day, DetectorReport, Edge, Figure, Figures, Graph, IdStrip, InputReport,
    ListedRow, Month, Node, Report, SampleRow, SnapshotReport, Spared, TableHours, TableReport, Timeline, Train,
};
use super::redact::{line, show};
use super::{Decimal, REPORTS, terminal};
use crate::config::Redact;
use crate::model::verdict::SnapshotVerdict;
use crate::model::{Bits, Choice, Family, OnDelete, Reason, Role, TableClass, Value, Verdict};

/// Makes a report in which every text that comes from a snapshot is `text`, as gathering would hand it over.
fn report(text: &str) -> Report {
    let said = line(text);
    let cell = show(&Value::Text(text.to_owned()), Role::Text, Redact::None, 120);
    let marked = Cell { mark: cell.char_indices().nth(1).map(|(at, _)| (at..cell.len(), said.clone())), text: cell.clone() };
    let row = |verdict| SampleRow {
        key: serde_json::to_string(&[&cell]).unwrap_or_default(),
        bound: Some(Bound { table: text.to_owned(), key: serde_json::to_string(&[text]).unwrap_or_default(), digest: "d".to_owned() }),
        verdict,
        bits: Bits::new(12.0),
        cells: vec![Cell { text: cell.clone(), mark: None }, Cell { text: "x".to_owned(), mark: None }],
    };
    let reasons = vec![
        Reason { detector: "prior".into(), family: "prior".into(), bits: Bits::new(-10.0), detail: said.as_str().into() },
        Reason { detector: "placeholder-word".into(), family: "vocabulary".into(), bits: Bits::new(40.0), detail: said.as_str().into() },
    ];
    let hours = TableHours { table: said.clone(), rows: 60, hours: (0..168).map(|h| h % 5).collect() };
    let table =
        |seeded| TableReport { name: said.clone(), class: TableClass::People, rows: 100, rejected: 1, seeded, review: 2, protected: 3 };
    let samples = vec![row(Verdict::Seeded), SampleRow { cells: vec![marked, Cell::default()], ..row(Verdict::Review) }];
    Report {
        tool_version: "0".to_owned(),
        made_at: "2026-02-10T00:00:00Z".to_owned(),
        command: said.clone(),
        config_sha256: "0".to_owned(),
        config: said.clone(),
        redact: Redact::None,
        snapshot: SnapshotReport {
            id: "0123456789abcdef0123".to_owned(),
            engine: "postgres".to_owned(),
            taken_at: String::new(),
            taken_at_source: "unknown".to_owned(),
            inputs: vec![InputReport { name: said.clone(), format: "pg".to_owned(), bytes: 1 }],
            truncated: false,
            bytes: vec![("rows".to_owned(), 1)],
        },
        verdict: SnapshotVerdict::Seeded,
        verdict_reason: said.clone(),
        tables: vec![table(10), table(100)],
        figures: Figures {
            people: said.clone(),
            base: Figure::default(),
            figures: vec![Figure {
                title: said.clone(),
                table: said.clone(),
                unit: said.clone(),
                before: Decimal::whole(7),
                ..Figure::default()
            }],
            months: vec![Month { name: "2026-01".to_owned(), stay: 1, seeded: 1, review: 0 }],
            earlier: Month::default(),
            notes: vec![said.clone()],
        },
        cohorts: vec![CohortReport {
            id: "c1".to_owned(),
            digest: "d".to_owned(),
            title: said.clone(),
            rows: 12,
            convicted: true,
            declared: true,
            bits: Bits::new(100.0),
            families: vec![(Family::Template, Bits::new(12.0))],
            first_at: None,
            last_at: None,
            findings: vec![said.clone(); 7],
            decision: Choice::Approve,
            tables: vec![CohortTableReport {
                name: said.clone(),
                guarded: true,
                seeded: 10,
                review: 2,
                protected: 0,
                columns: vec![said.clone(), said.clone()],
                samples,
            }],
            typical: reasons,
            typical_bits: Bits::new(30.0),
            hours: Some(hours.clone()),
            ids: Some(IdStrip {
                table: said.clone(),
                column: said.clone(),
                low: 1,
                high: 9,
                bins: vec![0, 2, 0],
                runs: vec![(4, 5)],
                runs_total: 1,
            }),
        }],
        listed: vec![
            ListedRow { table: said.clone(), cohort: None, columns: vec![said.clone(); 2], row: row(Verdict::Review), why: said.clone() },
            ListedRow {
                table: said.clone(),
                cohort: None,
                columns: vec![said.clone(); 2],
                row: row(Verdict::Protected),
                why: said.clone(),
            },
        ],
        review_total: 4,
        protected_total: 6,
        detectors: vec![DetectorReport {
            id: "placeholder-word".to_owned(),
            title: "Words".to_owned(),
            finds: String::new(),
            result: "found".to_owned(),
            why: said.clone(),
        }],
        coverage: vec![
            Coverage {
                detector: "placeholder-word".to_owned(),
                table: said.clone(),
                result: "found".to_owned(),
                facts: 1,
                why: String::new(),
            },
            Coverage {
                detector: "phase-lock".to_owned(),
                table: said.clone(),
                result: "not applicable".to_owned(),
                facts: 0,
                why: said.clone(),
            },
        ],
        spared: vec![Spared {
            table: said.clone(),
            key: said.clone(),
            bits: Bits::new(-3.0),
            why: said.clone(),
            against: format!("x{said}"),
        }],
        spared_total: 1,
        timeline: Timeline {
            table: said.clone(),
            days: vec![Day { day: 20_000, stay: 3, seeded: 0, review: 0 }, Day { day: 20_010, stay: 1, seeded: 9, review: 1 }],
            trains: vec![Train { cohort: "c1".to_owned(), start: 0, bin_us: 1_000_000, members: vec![0, 4, 5], others: vec![1, 0, 0] }],
        },
        usual_hours: vec![hours],
        graph: Graph {
            nodes: vec![Node { name: said.clone(), rows: 9, seeded: 1, review: 1, level: 0, order: Some(1), circle: true }],
            edges: vec![Edge { child: 0, parent: 0, columns: said.clone(), on_delete: OnDelete::Cascade, declared: false, holding: 2 }],
            left_out: 1,
        },
        recommendations: vec![said.clone()],
        not_checked: vec![said],
    }
}

/// Reduces markup to its elements and the names of their attributes; what style and script hold is left out.
fn skeleton(markup: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let mut tag = String::new();
        let mut quoted = false;
        let mut end = rest.len();
        for (at, c) in rest.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = at;
                    break;
                }
                _ if !quoted => tag.push(c),
                _ => {}
            }
        }
        rest = &rest[end..];
        let name = tag.split_whitespace().next().unwrap_or_default().to_owned();
        found.push(tag);
        if name == "script" || name == "style" {
            rest = &rest[rest.find(&format!("</{name}>")).expect("an end")..];
        }
    }
    found
}

fn page(report: &Report) -> String {
    String::from_utf8(REPORTS[0].render(report)).expect("UTF-8")
}

/// Texts with a taste for what is markup somewhere.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "\\PC{0,12}",
        prop::sample::select(vec![
            "<",
            ">",
            "&",
            "\"",
            "'",
            "`",
            "</script>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "&lt;",
            "&#60;",
            "\u{0}",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{2028}",
            "\r",
            "\n",
            "\t",
            "=1+1",
            "+1",
            "-1",
            "@x",
            "|",
            "\\",
            "[x](y)",
            "*/",
            "--",
            "$$",
            "\u{85}",
            "\u{9b}",
            "\u{feff}",
            "\\u003c",
            "{n}",
            " "
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 1..8).prop_map(|p| p.concat()).prop_filter("an empty text leaves things out", |t| !t.is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn structure_does_not_depend_on_data(text in texts()) {
        // Two letters, because a mark needs something before it.
        let plain = if text.chars().count() == 1 { "y" } else { "yy" };
        let (calm, wild) = (report(plain), report(&text));
        let (calm_page, wild_page) = (page(&calm), page(&wild));
        // A mark is there where the cell has two characters, which making hidden ones visible may add.
        let marks = |s: &[String]| s.iter().filter(|t| !t.starts_with("mark") && !t.starts_with("/mark")).cloned().collect::<Vec<_>>();
        prop_assert_eq!(marks(&skeleton(&wild_page)), marks(&skeleton(&calm_page)));
        for renderer in REPORTS {
            let (calm, wild) = (renderer.render(&calm), renderer.render(&wild));
            let wild = String::from_utf8(wild).expect("UTF-8");
            let calm = String::from_utf8(calm).expect("UTF-8");
            let acts = |c: char| c.is_control() && !matches!(c, '\n' | '\r') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}');
            prop_assert!(!wild.contains(acts), "{}", renderer.id());
            match renderer.id() {
                "junit" => prop_assert_eq!(skeleton(&wild), skeleton(&calm)),
                "markdown" => {
                    prop_assert_eq!(wild.lines().count(), calm.lines().count());
                    prop_assert!(!wild.contains('<'));
                }
                "csv" => {
                    let read = |text: &str| ::csv::Reader::from_reader(text.as_bytes()).records().map(|r| r.expect("a record").len()).collect::<Vec<_>>();
                    prop_assert_eq!(read(&wild), read(&calm));
                }
                "json" => { serde_json::from_str::<serde_json::Value>(&wild).expect("JSON"); }
                _ => {}
            }
        }
        let printed = terminal::summary(&wild, "case.db");
        prop_assert_eq!(printed.lines().count(), terminal::summary(&calm, "case.db").lines().count());
        prop_assert!(!anstream::adapter::strip_str(&printed).to_string().contains(|c: char| c.is_control() && c != '\n'));
    }

    #[test]
    fn what_is_shown_reads_back(text in texts()) {
        let shown = line(&text);
        let html = page(&report(&text));
        let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        prop_assert!(html.contains(&format!("<bdi>{escaped}</bdi>")), "{}", escaped);
        // What the page's script knows of the row is exact, whatever it is.
        let data = &html[html.find("id=\"data\">").expect("the data") + 10..];
        let data: serde_json::Value = serde_json::from_str(&data[..data.find("</script>").expect("an end")]).expect("JSON");
        let key: Vec<String> = serde_json::from_str(data["rows"][0][1].as_str().expect("a key")).expect("a key");
        prop_assert_eq!(&key[0], &text);
        prop_assert_eq!(data["tables"][0].as_str(), Some(text.as_str()));
    }
}
