//! The guards' codes: what each means and what to do next. The words of RUNBOOK.md and of the scripts'
//! refusals come from here; the codes are part of the public contract.

/// One code.
#[derive(Debug)]
pub struct Code {
    /// `DSnnn`, stable.
    pub id: &'static str,
    /// A few words.
    pub title: &'static str,
    /// What production looks like then.
    pub meaning: &'static str,
    /// What to do.
    pub next: &'static str,
}

/// Every code, by number.
pub const CODES: &[Code] = &[
    Code {
        id: "DS010",
        title: "another run is active",
        meaning: "Another run of a script of unseed, or another transaction, holds a lock that this one needs; it waited a few seconds and gave up.",
        next: "Run it again later. If it comes again, find the session that holds the lock.",
    },
    Code {
        id: "DS011",
        title: "replica",
        meaning: "This server is a replica, or takes no writes.",
        next: "Run the script on the primary.",
    },
    Code {
        id: "DS012",
        title: "wrong database",
        meaning: "The database has another name than the one that the snapshot is of.",
        next: "Connect to the right one. Where it is meant to differ, plan again with --database.",
    },
    Code {
        id: "DS013",
        title: "plan expired",
        meaning: "The plan is older than it may be; production has moved on since people reviewed it.",
        next: "Take a new snapshot, import the decisions with --carry-over, review the difference, plan again.",
    },
    Code {
        id: "DS020",
        title: "row changed",
        meaning: "A planned row has another value in some column than the one that was reviewed.",
        next: "Look at the row. Take a new snapshot, or plan with --on-drift skip to leave its cluster out.",
    },
    Code {
        id: "DS021",
        title: "row gone",
        meaning: "A planned row is not there any more.",
        next: "Find out who deleted it. Take a new snapshot, or plan with --on-drift skip.",
    },
    Code {
        id: "DS022",
        title: "key reused",
        meaning: "A planned key now names a row that differs in every other column.",
        next: "Do not delete it: it is somebody else's. Take a new snapshot.",
    },
    Code {
        id: "DS030",
        title: "unknown foreign key",
        meaning: "A foreign key that the snapshot does not know points at a planned table, or the user may not see all of them: rows behind it were not reviewed.",
        next: "Take a new snapshot with the whole schema; run the script as a user who sees every table.",
    },
    Code {
        id: "DS031",
        title: "unknown trigger, rule or row security, or a missing right",
        meaning: "Something that the snapshot does not know would act on these deletes, or the user lacks a right; the message lists it.",
        next: "See what it does on delete and take a new snapshot; or give the rights that the message lists.",
    },
    Code {
        id: "DS032",
        title: "column or type changed",
        meaning: "A table or column is gone, new, renamed or of another type, so that what was reviewed is not all there is.",
        next: "Take a new snapshot.",
    },
    Code {
        id: "DS033",
        title: "table without transactions",
        meaning: "A table's storage cannot be rolled back, or it is no ordinary table.",
        next: "Convert it, or leave it out and take a new snapshot.",
    },
    Code {
        id: "DS040",
        title: "new child row",
        meaning: "A row that was not reviewed refers to a planned one: somebody may be using it.",
        next: "Look at it. Take a new snapshot, or plan with --on-drift skip.",
    },
    Code {
        id: "DS041",
        title: "activity since the snapshot",
        meaning: "A planned row tells of activity (a login, an update) after the snapshot.",
        next: "Find out who. Take a new snapshot, or plan with --on-drift skip.",
    },
    Code {
        id: "DS050",
        title: "protected row",
        meaning: "A planned row is a privileged account by now, or one that people keep.",
        next: "Take the approval back, or the privilege away, then take a new snapshot.",
    },
    Code {
        id: "DS051",
        title: "no admin would remain",
        meaning: "After the deletes no privileged account would be left.",
        next: "Make sure that a real admin exists, then run it again.",
    },
    Code {
        id: "DS060",
        title: "wrong count",
        meaning: "A statement changed another number of rows than it should: a trigger, a rule or an error stood in its way.",
        next: "Read the message; look for triggers. Nothing was changed.",
    },
    Code {
        id: "DS061",
        title: "partly applied",
        meaning: "Production is neither as before nor as after the plan, or an undo finds no archive.",
        next: "Run verify.sql and compare with the ledger; restore by hand or take a new snapshot.",
    },
    Code {
        id: "DS070",
        title: "undo finds a key taken",
        meaning: "A row with the key or a unique value of a deleted one exists by now.",
        next: "Decide which one stays; move the other, then undo again.",
    },
];

/// Returns a code's title.
pub(super) fn title(id: &str) -> &'static str {
    CODES.iter().find(|c| c.id == id).map_or("", |c| c.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sorted() {
        assert!(CODES.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(CODES.iter().all(|c| c.id.starts_with("DS") && c.id.len() == 5 && title(c.id) == c.title));
    }
}
