//! Whether every planned row, and every surviving one that loses a reference, is what was reviewed.

use crate::dialect::guard;
use crate::dialect::postgres::columns::{any_differs, compared, staged};
use crate::dialect::postgres::literal::{name, qualified, text};
use crate::dialect::postgres::stage::touched_staged;
use crate::dialect::postgres::{keys, on_key, on_touched, refuse, staging, target, touched_staging};
use crate::model::plan::{DeletePlan, PlanTable, PlanTouch};

/// The conditions under which a row is not the one that was reviewed.
pub(super) struct Drift {
    /// Some column differs.
    pub(super) changed: String,
    /// Every other column differs; only where there are enough to tell.
    pub(super) reused: Option<String>,
    /// A column that tells of activity differs.
    pub(super) active: Option<String>,
}

impl Drift {
    pub(super) fn of(plan: &DeletePlan, table: &PlanTable) -> Self {
        let all = staged(&table.columns, &table.reviewed, &table.rows, table.declared);
        let others: Vec<String> =
            compared(table, &all).iter().filter(|s| !table.key.contains(&s.column)).map(|s| s.differs(&table.columns, "t", "p")).collect();
        let active: Vec<String> = all
            .iter()
            .filter(|s| table.activity.contains(&s.column))
            .map(|s| {
                let column = name(&table.columns[s.column].name);
                format!("({} AND t.{column} IS NOT NULL)", s.differs(&table.columns, "t", "p"))
            })
            .collect();
        let known = plan.snapshot.taken_at.micros().is_some() && !active.is_empty();
        Self {
            changed: any_differs(table, &all, "t", "p"),
            reused: (others.len() >= 2).then(|| others.join("\n          AND ")),
            active: known.then(|| active.join("\n          OR ")),
        }
    }
}

/// DS020, DS021, DS022, DS041: every planned row is still the row that was reviewed.
pub(in crate::dialect::postgres) fn rows(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    if table.key.is_empty() {
        return keyless_rows(index, table);
    }
    let (label, shown, count) = (table.name.to_string(), text(&table.name.to_string()), table.count());
    let slot = index + 1;
    let gone = refuse(
        "DS021",
        &format!("{shown} || ': only ' || found_rows[{slot}] || ' of {count} planned rows are there; take a new snapshot'"),
    );
    let mut out = guard(
        "DS021",
        &format!("{label}: every planned row is there"),
        &format!("IF found_rows[{slot}] <> {count} THEN\n  {gone}\nEND IF;"),
    );
    let drift = Drift::of(plan, table);
    let never = "false".to_owned();
    out.push_str(&format!(
        "SELECT count(*) FILTER (WHERE {reused}),\n    \
           count(*) FILTER (WHERE {active}),\n    \
           count(*) FILTER (WHERE {changed}),\n    \
           min(concat_ws(',', {key})) FILTER (WHERE {changed})\n  \
         INTO n_reused, n_active, n_changed, found FROM {staged} AS p JOIN {target} AS t ON {on};\n",
        reused = drift.reused.as_ref().unwrap_or(&never),
        active = drift.active.as_ref().unwrap_or(&never),
        changed = drift.changed,
        key = keys(table).iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(", "),
        staged = staging(index),
        target = target(table),
        on = on_key(table, "t", "p"),
    ));
    if drift.reused.is_some() {
        let what = refuse("DS022", &format!("{shown} || ': ' || n_reused || ' keys now name other rows; take a new snapshot'"));
        out.push_str(&guard(
            "DS022",
            &format!("{label}: a key that names another row by now"),
            &format!("IF n_reused > 0 THEN\n  {what}\nEND IF;"),
        ));
    }
    if drift.active.is_some() {
        let what = format!(
            "{shown} || ': ' || n_active || ' planned rows were active since the snapshot; somebody may use them: take a new snapshot'"
        );
        let body = format!("IF n_active > 0 THEN\n  {}\nEND IF;", refuse("DS041", &what));
        out.push_str(&guard("DS041", &format!("{label}: activity since the snapshot"), &body));
    }
    let what = format!(
        "{shown} || ': ' || n_changed || ' planned rows have changed since review, the first with key ' || found || '; take a new snapshot'"
    );
    let body = format!("IF n_changed > 0 THEN\n  {}\nEND IF;", refuse("DS020", &what));
    out.push_str(&guard("DS020", &format!("{label}: no reviewed value has changed"), &body));
    out
}

/// A table without a key: as many equal rows as were reviewed, no fewer and no more.
fn keyless_rows(index: usize, table: &PlanTable) -> String {
    let (label, shown) = (table.name.to_string(), text(&table.name.to_string()));
    let count = |condition: &str| {
        format!(
            "SELECT count(*) INTO n FROM {} AS p LEFT JOIN (SELECT unseed_no, count(*) AS present FROM unseed_found_{index} GROUP BY unseed_no) AS f\n  \
             USING (unseed_no) WHERE coalesce(f.present, 0) {condition} p.unseed_of;",
            staging(index)
        )
    };
    let fewer =
        refuse("DS021", &format!("{shown} || ': of ' || n || ' planned rows fewer are there than were reviewed; take a new snapshot'"));
    let body = format!("{}\nIF n > 0 THEN\n  {fewer}\nEND IF;", count("<"));
    let mut out = guard("DS021", &format!("{label}: every planned row is there"), &body);
    let more =
        refuse("DS060", &format!("{shown} || ': of ' || n || ' planned rows more are there than were reviewed; take a new snapshot'"));
    let body = format!("{}\nIF n > 0 THEN\n  {more}\nEND IF;", count(">"));
    out.push_str(&guard("DS060", &format!("{label}: and no equal one came"), &body));
    out
}

/// DS020 for surviving rows: they still refer to what the snapshot says.
pub(in crate::dialect::postgres) fn touched_rows(index: usize, touch: &PlanTouch) -> String {
    let same: Vec<String> = touched_staged(touch).iter().map(|s| format!("NOT ({})", s.differs(&touch.columns, "t", "p"))).collect();
    let shown = text(&touch.name.to_string());
    let refusal =
        refuse("DS020", &format!("{shown} || ': ' || n || ' surviving rows refer to something else by now; take a new snapshot'"));
    let body = format!(
        "SELECT count(*) INTO n FROM {staged} AS p WHERE NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {on}\n    AND {same});\n\
         IF n > 0 THEN\n  {refusal}\nEND IF;",
        staged = touched_staging(index),
        table = qualified(&touch.name),
        on = on_touched(touch, "t", "p"),
        same = same.join("\n    AND "),
    );
    guard("DS020", &format!("{}: the surviving rows still refer to planned ones", touch.name), &body)
}
