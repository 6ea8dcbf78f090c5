//! Accounts that come again under many parents: demo teams cloned from one template are for a person to look at, and
//! nothing that merely looks like them is.

use std::collections::BTreeSet;

use crate::harness::{Desk, verdicts};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

const GIVEN: [&str; 14] =
    ["Jan", "Anna", "Emma", "Daan", "Lotte", "Thomas", "Laura", "Mark", "Peter", "Lisa", "Tim", "Eva", "Ruben", "Sofie"];
const FAMILY: [&str; 12] =
    ["Jansen", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Peters", "Dekker", "Brouwer", "Kok", "Jacobs"];
/// What a template's author called its people, and when they were entered, seconds after the first.
const TEMPLATE: [(&str, i64); 5] =
    [("Maya Lind", 0), ("Oliver Grant", 95), ("Hannah Voss", 210), ("David Rao", 333), ("Claire Dupont", 420)];
const LIST: [&str; 5] =
    ["Collect requirements", "Wireframes for the home page", "Choose a CMS", "Migrate the blog posts", "Check accessibility"];
/// What the application writes for every team.
const SAMPLE: [&str; 4] = ["Welcome aboard", "Invite your team", "Try the board view", "Connect your calendar"];

/// A site of teams with accounts and tasks, whose real rows are drawn.
struct Site {
    seed: u64,
    drawn: u64,
    teams: Vec<(i64, String)>,
    accounts: Vec<(i64, String)>,
    tasks: Vec<(i64, String)>,
    /// Keys of rows that a script copied.
    copied: BTreeSet<String>,
}

/// A time in 2024 as a dump writes it; microseconds after its first.
fn written(at: i64) -> String {
    chrono::DateTime::from_timestamp_micros(1_704_067_200 * SECOND + at).expect("a time").format("%F %T%.3f").to_string()
}

impl Site {
    /// Draws 40 teams, each with people of its own and the application's sample.
    fn new(seed: u64) -> Self {
        let (teams, accounts, tasks) = Default::default();
        let mut site = Self { seed, drawn: 0, teams, accounts, tasks, copied: BTreeSet::new() };
        for _ in 0..40 {
            let at = site.awake(300);
            let team = site.team(at, true);
            let people = 3 + site.below(6);
            site.people(&team, at, people);
        }
        site
    }

    fn below(&mut self, bound: i64) -> i64 {
        self.drawn += 1;
        let bytes = [self.seed.to_le_bytes(), self.drawn.to_le_bytes()].concat();
        let drawn = blake3::hash(&bytes).as_bytes()[..8].try_into().expect("eight bytes");
        (u64::from_le_bytes(drawn) % bound as u64) as i64
    }

    /// Draws a time of day at which people are awake.
    fn awake(&mut self, days: i64) -> i64 {
        self.below(days) * DAY + (7 * 3_600 + self.below(15 * 3_600)) * SECOND + self.below(SECOND)
    }

    fn key(&mut self, copied: bool) -> String {
        let key = format!("{:015x}", self.below(1 << 58));
        if copied {
            self.copied.insert(key.clone());
        }
        key
    }

    fn name(&mut self) -> String {
        format!("{} {}", GIVEN[self.below(14) as usize], FAMILY[self.below(12) as usize])
    }

    fn insert_team(&mut self, at: i64, copied: bool) -> String {
        let (key, title) = (
            self.key(copied),
            format!("{} {}", FAMILY[self.below(12) as usize], ["Bouw", "Legal", "Foods", "Media"][self.below(4) as usize]),
        );
        self.teams.push((at, format!("INSERT INTO teams VALUES ('{key}', '{title}', '{}');\n", written(at))));
        key
    }

    /// Adds a team with the application's sample.
    fn team(&mut self, at: i64, sample: bool) -> String {
        let team = self.insert_team(at, false);
        for title in SAMPLE.iter().filter(|_| sample) {
            self.task(&team, None, title, at, false);
        }
        team
    }

    /// Adds people of its own to a team, who come one by one and write what they have to do.
    fn people(&mut self, team: &str, at: i64, people: i64) {
        for _ in 0..people {
            let (name, came) = (self.name(), at + self.awake(20));
            let email = format!("{}{}@mail.site", name.replace(' ', ".").to_lowercase(), self.below(9_999));
            let account = self.account(team, &name, &email, came, false);
            for _ in 0..self.below(5) {
                let (title, at) = (format!("{} for {}", LIST[self.below(5) as usize], self.name()), came + self.awake(30));
                self.task(team, Some(&account), &title, at, false);
            }
        }
    }

    fn account(&mut self, team: &str, name: &str, email: &str, at: i64, copied: bool) -> String {
        let key = self.key(copied);
        self.accounts.push((at, format!("INSERT INTO accounts VALUES ('{key}', '{team}', '{name}', '{email}', '{}');\n", written(at))));
        key
    }

    fn task(&mut self, team: &str, account: Option<&str>, title: &str, at: i64, copied: bool) {
        let (key, account) = (self.key(copied), account.map_or("NULL".to_owned(), |a| format!("'{a}'")));
        self.tasks.push((at, format!("INSERT INTO tasks VALUES ('{key}', '{team}', {account}, '{title}', '{}');\n", written(at))));
    }

    /// Copies the template so many times; `at` gives the time of a copy's first row and of a row so much later.
    fn clones(&mut self, clones: i64, at: impl Fn(&mut Self, i64) -> i64, later: impl Fn(i64) -> i64) {
        for clone in 0..clones {
            let begin = at(self, clone);
            let team = self.insert_team(begin, true);
            for (place, (name, after)) in TEMPLATE.iter().enumerate() {
                let email = format!("{}@clone{}.site", name.split(' ').next().unwrap_or_default().to_lowercase(), 7_919 * clone % 1_000);
                let account = self.account(&team, name, &email, begin + later(*after), true);
                self.task(&team, Some(&account), LIST[place], begin + later(after + 500), true);
            }
        }
    }

    /// Enters shops of one chain by a script in one night, each with an account for these names, whose addresses
    /// `email` writes, the chain's list, and so many people of its own.
    fn chain(&mut self, names: &[&str], own: i64, email: impl Fn(&str, i64) -> String) {
        for shop in 0..14 {
            let at = 200 * DAY + shop * 3 * SECOND;
            let team = self.team(at, true);
            for (place, name) in names.iter().enumerate() {
                let local = name.replace(' ', ".").to_lowercase();
                let account = self.account(&team, name, &email(&local, shop), at + place as i64 * 40_000, false);
                self.task(&team, Some(&account), LIST[place % 5], at + place as i64 * 50_000, false);
            }
            self.people(&team, at, own);
        }
    }

    fn dump(mut self) -> (String, BTreeSet<String>) {
        let mut dump = String::from(
            "-- PostgreSQL database dump\n\
             CREATE TABLE teams (id text PRIMARY KEY, title text, created_at timestamp);\n\
             CREATE TABLE accounts (id text PRIMARY KEY, team_id text REFERENCES teams (id), full_name text, email text, created_at timestamp);\n\
             CREATE TABLE tasks (id text PRIMARY KEY, team_id text REFERENCES teams (id), account_id text REFERENCES accounts (id), title text, created_at timestamp);\n",
        );
        for table in [&mut self.teams, &mut self.accounts, &mut self.tasks] {
            // Rows lie as they were inserted, but for those that were changed since.
            table.sort();
            table.iter().for_each(|(_, line)| dump.push_str(line));
        }
        dump.push_str("-- PostgreSQL database dump complete\n");
        (dump, self.copied)
    }

    /// Scans it; returns the keys in review that no script copied, those that it did, and asserts that none is seeded.
    fn scanned(self) -> (Vec<String>, Vec<String>, usize) {
        let desk = Desk::new();
        let (dump, copied) = self.dump();
        desk.write("dump.sql", dump);
        desk.unseed("scan dump.sql -o out").exits(0);
        let found = verdicts(&desk.case("out/case.db"));
        assert!(found.values().all(|verdict| verdict != "seeded"), "{found:?}");
        let flagged = found.into_iter().map(|((table, key), _)| (format!("{table} {key}"), key.trim_matches(['[', ']', '"']).to_owned()));
        let (ours, others): (Vec<_>, Vec<_>) = flagged.partition(|(_, key)| copied.contains(key));
        let names = |of: Vec<(String, String)>| of.into_iter().map(|(name, _)| name).collect();
        (names(others), names(ours), copied.len())
    }
}

/// Writes a site of whose teams a script cloned twelve from one template.
pub fn cloned() -> String {
    let mut site = Site::new(11);
    site.clones(12, |site, _| site.awake(250), |after| after * SECOND);
    site.dump().0
}

#[test]
fn cloned_teams_are_for_a_person() {
    // With all dates shifted, and with those of the run.
    let mut shifted = Site::new(1);
    shifted.clones(12, |site, _| site.awake(250), |after| after * SECOND);
    let mut run = Site::new(2);
    run.clones(12, |_, clone| 210 * DAY + clone * SECOND, |after| after * 1_000);
    for site in [shifted, run] {
        let (others, ours, copied) = site.scanned();
        assert_eq!(others, Vec::<String>::new());
        assert_eq!((ours.len(), copied), (copied, 12 * 11));
    }
}

#[test]
fn a_few_or_most_teams_alike_are_none() {
    // Four tell nothing yet; what most teams have the application writes itself.
    for clones in [4, 44] {
        let mut site = Site::new(3);
        site.clones(clones, |site, _| site.awake(250), |after| after * SECOND);
        assert_eq!(site.scanned().1, Vec::<String>::new(), "{clones}");
    }
}

#[test]
fn shops_that_a_script_entered_are_real() {
    let managers = ["Anna Bakker", "Thomas Kok", "Lisa Meijer", "Ruben Bos"];
    let posts = ["Front Desk", "Night Audit", "House Keeping", "Bar Manager"];
    let own_address = |local: &str, shop: i64| format!("{local}@shop{shop}.site");
    // The chain's list alone; its managers beside people of the shop; one address each; accounts for posts.
    for (names, own, email) in [
        (&[][..], 4, &own_address as &dyn Fn(&str, i64) -> String),
        (&managers[..], 3, &own_address),
        (&managers[..], 0, &|local: &str, _| format!("{local}@chain.site")),
        (&posts[..], 0, &own_address),
    ] {
        let mut site = Site::new(4);
        site.chain(names, own, email);
        assert_eq!(site.scanned().0, Vec::<String>::new(), "{names:?}, {own} of their own");
    }
    // Managers alone, each with an account in every shop, look like clones: a person tells, and no script may.
    let mut site = Site::new(5);
    site.chain(&managers, 0, own_address);
    assert!(!site.scanned().0.is_empty());
}
