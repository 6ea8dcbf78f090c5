//! The guards of `delete.sql`: each a piece of PL/pgSQL between its marks, that raises its code.

use super::columns::{any_differs, compared, staged};
use super::literal::{name, qualified, regclass, text};
use super::stage::touched_staged;
use super::{ADVISORY_KEY, ledger, left_schema, on_key, on_touched, refuse, staging, target, touched_staging};
use crate::dialect::guard;
use crate::model::OnDelete;
use crate::model::plan::{DeletePlan, OnDrift, PlanProtection, PlanRelation, PlanTable, PlanTouch};
use crate::model::stamp::Rfc3339;

/// A table and a right on it.
pub(super) type Need = (crate::model::QualifiedName, &'static str);

/// Lists the rights that the user lacks, as GRANT statements, and refuses if there are any.
pub(super) fn rights(plan: &DeletePlan, needs: &[Need], makes_schema: bool) -> String {
    let mut tables: Vec<String> = needs.iter().map(|(target, right)| format!("({}, '{right}')", regclass(target))).collect();
    tables.sort();
    tables.dedup();
    let schemas: Vec<String> = plan
        .tables
        .iter()
        .map(|t| &t.name.schema)
        .chain(plan.touched.iter().map(|t| &t.name.schema))
        .chain(plan.relations.iter().map(|r| &r.child.schema))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|s| text(s))
        .collect();
    let create = if makes_schema {
        format!(
            "\n    UNION ALL SELECT format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user)\n      \
             WHERE NOT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = {}) AND NOT has_database_privilege(current_database(), 'CREATE')",
            text(&left_schema(plan))
        )
    } else {
        String::new()
    };
    format!(
        "SELECT string_agg(s.grant_it, ' ' ORDER BY s.grant_it) INTO missing FROM (\n    \
             SELECT format('GRANT USAGE ON SCHEMA %I TO %I;', nspname, current_user) AS grant_it FROM pg_namespace\n      \
             WHERE nspname IN ({schemas}) AND NOT has_schema_privilege(oid, 'USAGE')\n    \
             UNION ALL SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I;', current_database(), current_user)\n      \
             WHERE NOT has_database_privilege(current_database(), 'TEMPORARY'){create}\n\
         ) AS s;\n\
         IF missing IS NULL THEN\n    \
             SELECT string_agg(s.grant_it, ' ' ORDER BY s.grant_it) INTO missing FROM (\n        \
                 SELECT format('GRANT %s ON %s TO %I;', string_agg(w.privilege, ', ' ORDER BY w.privilege), w.target, current_user) AS grant_it\n        \
                 FROM (VALUES {tables}) AS w(target, privilege)\n        \
                 WHERE to_regclass(w.target) IS NOT NULL AND NOT has_table_privilege(to_regclass(w.target), w.privilege) GROUP BY w.target\n    \
             ) AS s;\n\
         END IF;\n\
         IF missing IS NOT NULL THEN\n    \
             PERFORM set_config('unseed.refused', 'DS031', false), set_config('unseed.detail', 'user ' || current_user || ' lacks rights: ' || missing, false);\n    \
             RETURN;\n\
         END IF;",
        schemas = schemas.join(", "),
        tables = tables.join(", "),
    )
}

/// Lists the rights that the deletes need: table and right.
pub(super) fn needs(plan: &DeletePlan) -> Vec<Need> {
    let mut needs = Vec::new();
    for table in &plan.tables {
        needs.extend(["SELECT", "UPDATE", "DELETE"].map(|right| (table.name.clone(), right)));
    }
    for touch in plan.touched.iter().filter(|t| !t.rows.is_empty()) {
        needs.extend(["SELECT", "UPDATE"].map(|right| (touch.name.clone(), right)));
    }
    needs.extend(plan.relations.iter().map(|r| (r.child.clone(), "SELECT")));
    needs
}

/// DS010, DS012, DS013: is this the time and place? `expires` is left out where a plan may be undone for ever.
pub(super) fn place(plan: &DeletePlan, expires: bool) -> String {
    let mut out = guard(
        "DS010",
        "another run of a script of unseed",
        &format!(
            "IF NOT pg_try_advisory_xact_lock({ADVISORY_KEY}, 0) THEN\n  {}\nEND IF;",
            refuse("DS010", "'another run is active; wait for it to end'")
        ),
    );
    if !plan.snapshot.database.is_empty() {
        let wanted = text(&plan.snapshot.database);
        let wrong = refuse("DS012", &format!("'this is database ' || current_database() || ', the snapshot is of ' || {wanted}"));
        let body = format!("IF current_database() <> {wanted} THEN\n  {wrong}\nEND IF;");
        out.push_str(&guard("DS012", "the wrong database", &body));
    }
    if expires {
        let at = Rfc3339(plan.expires_at);
        let late = refuse("DS013", &format!("'the plan expired at {at}; review a new snapshot'"));
        let body = format!("IF clock_timestamp() > '{at}'::timestamptz THEN\n  {late}\nEND IF;");
        out.push_str(&guard("DS013", "the plan has expired", &body));
    }
    out
}

/// DS032, DS033: is a table what was reviewed?
pub(super) fn shape(index: usize, table: &PlanTable) -> String {
    let shown = regclass(&table.name);
    let label = table.name.to_string();
    let gone = refuse("DS032", &format!("'there is no table ' || {shown}"));
    let mut out = guard("DS032", &format!("{label} is there"), &format!("IF to_regclass({shown}) IS NULL THEN\n  {gone}\nEND IF;"));
    let kind = refuse("DS033", &format!("{shown} || ' is no ordinary table'"));
    let body = format!("IF (SELECT relkind FROM pg_class WHERE oid = to_regclass({shown})) NOT IN ('r', 'p') THEN\n  {kind}\nEND IF;");
    out.push_str(&guard("DS033", &format!("{label} is a table"), &body));
    let (expected, differs) = if table.declared {
        let from = format!(
            "(SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = 'pg_temp.unseed_shape_{index}'::regclass AND attnum > 0)"
        );
        (from, "OR e.atttypid <> p.atttypid OR e.atttypmod <> p.atttypmod")
    } else {
        let names: Vec<String> = table.columns.iter().map(|c| format!("({}::name)", text(&c.name))).collect();
        (format!("(SELECT * FROM (VALUES {}) AS v(attname))", names.join(", ")), "")
    };
    let changed =
        refuse("DS032", &format!("{shown} || ' has other columns or types than the snapshot: ' || found || '; take a new snapshot'"));
    let body = format!(
        "SELECT string_agg(coalesce(p.attname, e.attname), ', ' ORDER BY coalesce(p.attname, e.attname)) INTO found\n  \
           FROM {expected} AS e\n  \
           FULL JOIN (SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = to_regclass({shown}) AND attnum > 0 AND NOT attisdropped) AS p\n    \
             ON p.attname = e.attname\n  \
           WHERE p.attname IS NULL OR e.attname IS NULL {differs};\n\
         IF found IS NOT NULL THEN\n  {changed}\nEND IF;"
    );
    out.push_str(&guard("DS032", &format!("{label} has the columns and types of the snapshot"), &body));
    out
}

/// DS030, DS031: does the catalogue know of anything that the snapshot does not?
pub(super) fn catalogue(plan: &DeletePlan) -> String {
    let tables: Vec<String> = plan.tables.iter().map(|t| format!("to_regclass({})", regclass(&t.name))).collect();
    let touched: Vec<String> =
        plan.touched.iter().filter(|t| !t.rows.is_empty()).map(|t| format!("to_regclass({})", regclass(&t.name))).collect();
    let mut out = format!(
        "planned := ARRAY[{}]::oid[];\n\
         planned := planned || ARRAY(SELECT t.relid FROM unnest(planned) AS o, pg_partition_tree(o::regclass) AS t WHERE t.relid <> o);\n\
         touched := ARRAY[{}]::oid[];\n",
        tables.join(", "),
        touched.join(", ")
    );
    out.push_str(&foreign_keys(plan));
    out.push_str(&hooks(plan));
    out
}

fn foreign_keys(plan: &DeletePlan) -> String {
    let known: Vec<String> = plan.relations.iter().map(known_relation).collect();
    let known = if known.is_empty() {
        "(NULL::regclass, NULL::text[], NULL::regclass, NULL::text[], NULL::text)".to_owned()
    } else {
        known.join(",\n    ")
    };
    let names = |numbers: &str, table: &str| {
        format!(
            "ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY AS k(number, place)\n      \
               JOIN pg_attribute AS a ON a.attrelid = {table} AND a.attnum = k.number ORDER BY k.place)"
        )
    };
    let refusal = refuse(
        "DS030",
        "'foreign key ' || r.conname || ' of ' || r.child || ' is not in the snapshot; its rows were not reviewed: take a new snapshot'",
    );
    let body = format!(
        "FOR r IN\n  \
           SELECT c.conname, c.conrelid::regclass AS child, c.confrelid::regclass AS parent, c.confdeltype,\n    \
             to_jsonb(c) ->> 'confdelsetcols' AS some_columns,\n    \
             {children} AS columns,\n    \
             {parents} AS parents\n  \
           FROM pg_constraint AS c WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = ANY (planned)\n\
         LOOP\n  \
           IF NOT EXISTS (SELECT 1 FROM (VALUES\n    {known}\n  ) AS k(child, columns, parent, parents, action)\n    \
             WHERE k.child = r.child AND k.columns = r.columns AND k.parent = r.parent AND k.parents = r.parents\n      \
               AND (k.action IS NULL OR k.action = r.confdeltype::text)) OR r.some_columns IS NOT NULL THEN\n    \
             {refusal}\n  \
           END IF;\n\
         END LOOP;",
        children = names("c.conkey", "c.conrelid"),
        parents = names("c.confkey", "c.confrelid"),
    );
    guard("DS030", "a foreign key that the snapshot does not know: its rows were not reviewed", &body)
}

fn known_relation(relation: &PlanRelation) -> String {
    let action = match relation.on_delete {
        OnDelete::NoAction => "a",
        OnDelete::Restrict => "r",
        OnDelete::Cascade => "c",
        OnDelete::SetNull => "n",
        OnDelete::SetDefault => "d",
    };
    // A relation that no DDL declares may have any action: its rows are all listed, whatever it is.
    let action = if relation.is_enforced() { format!("'{action}'") } else { "NULL".to_owned() };
    let array = |names: &[String]| format!("ARRAY[{}]::text[]", names.iter().map(|n| text(n)).collect::<Vec<_>>().join(", "));
    format!(
        "(to_regclass({}), {}, to_regclass({}), {}, {action}::text)",
        regclass(&relation.child),
        array(&relation.child_columns),
        regclass(&relation.parent),
        array(&relation.parent_columns)
    )
}

fn hooks(plan: &DeletePlan) -> String {
    let mut known: Vec<String> = Vec::new();
    let planned = plan.tables.iter().map(|t| (std::iter::once(&t.name).chain(&t.partitions).collect::<Vec<_>>(), &t.hooks));
    let touched = plan.touched.iter().map(|t| (vec![&t.name], &t.hooks));
    for (names, hooks) in planned.chain(touched) {
        for (table, hook) in names.iter().flat_map(|n| hooks.iter().map(move |h| (n, h))) {
            known.push(format!("(to_regclass({}), {}, {})", regclass(table), text(&hook.kind), text(&hook.name)));
        }
    }
    let known = if known.is_empty() { "(NULL::regclass, NULL::text, NULL::text)".to_owned() } else { known.join(", ") };
    let refusal = refuse(
        "DS031",
        "r.kind || ' ' || r.name || ' of ' || r.relation || ' is not in the snapshot; see what it does, then take a new snapshot'",
    );
    let body = format!(
        "FOR r IN\n  \
           SELECT 'trigger' AS kind, t.tgname::text AS name, t.tgrelid::regclass AS relation FROM pg_trigger AS t\n    \
             WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0\n      \
               AND ((t.tgtype & 8) <> 0 AND t.tgrelid = ANY (planned) OR (t.tgtype & 16) <> 0 AND t.tgrelid = ANY (touched))\n  \
           UNION ALL SELECT 'rule', w.rulename::text, w.ev_class::regclass FROM pg_rewrite AS w\n    \
             WHERE w.ev_type = '4' AND w.ev_class = ANY (planned) OR w.ev_type = '2' AND w.ev_class = ANY (touched)\n  \
           UNION ALL SELECT 'policy', coalesce(p.polname::text, 'row level security'), c.oid::regclass FROM pg_class AS c\n    \
             LEFT JOIN pg_policy AS p ON p.polrelid = c.oid WHERE c.relrowsecurity AND c.oid = ANY (planned || touched)\n  \
           ORDER BY 1, 2\n\
         LOOP\n  \
           IF NOT EXISTS (SELECT 1 FROM (VALUES {known}) AS k(relation, kind, name) WHERE k.relation = r.relation AND k.kind = r.kind AND k.name = r.name) THEN\n    \
             {refusal}\n  \
           END IF;\n\
         END LOOP;"
    );
    guard("DS031", "a trigger, rule or row security that the snapshot does not know", &body)
}

/// Reads the ledger: was this part applied already? Its last event counts. DS061 where it was, and rows
/// are there nevertheless.
pub(super) fn already_applied(plan: &DeletePlan) -> String {
    let query = format!(
        "SELECT max(run), (array_agg(event ORDER BY run DESC) FILTER (WHERE batch IN (0, {})))[1] = 'apply' FROM {} WHERE plan_id = $1",
        plan.part.0,
        ledger(plan)
    );
    let mut out = format!(
        "-- Was it applied already? The ledger tells; its last event counts.\n\
         IF to_regclass({quoted}) IS NOT NULL THEN\n  \
           EXECUTE {query} INTO n, applied USING {id};\n  \
           run_no := coalesce(n, 0) + 1;\n  \
           applied := coalesce(applied, false);\n\
         END IF;\n",
        quoted = text(&ledger(plan)),
        query = text(&query),
        id = text(&plan.id.0),
    );
    // Clusters that were skipped are still there, and equal rows of a table without a key may be.
    if plan.on_drift == OnDrift::Skip {
        return out;
    }
    let mut body = String::from("IF applied THEN\n  present := 0;\n");
    for (index, table) in plan.tables.iter().enumerate().filter(|(_, t)| !t.key.is_empty()) {
        body.push_str(&format!(
            "  SELECT count(*) INTO n FROM {} AS p JOIN {} AS t ON {};\n  present := present + n;\n",
            staging(index),
            target(table),
            on_key(table, "t", "p")
        ));
    }
    let partly =
        format!("present || ' of {} rows are there although the plan was applied; somebody restored rows or reused keys'", plan.rows());
    body.push_str(&format!("  IF present > 0 THEN\n    {}\n  END IF;\nEND IF;", refuse("DS061", &partly)));
    out.push_str(&guard("DS061", "applied, and rows are there nevertheless", &body));
    out
}

/// DS050: no planned row is privileged or kept.
pub(super) fn protections(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for protection in &plan.protected {
        let (found, what, label) = match protection {
            PlanProtection::Privilege { table, column, values, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let list: Vec<String> = values.iter().map(|v| text(v)).collect();
                let from = format!(
                    "FROM {} AS t JOIN {} AS p ON {}\n  WHERE lower(t.{}::text) IN ({})",
                    target(&plan.tables[index]),
                    staging(index),
                    on_key(&plan.tables[index], "t", "p"),
                    name(column),
                    list.join(", ")
                );
                (from, "planned rows are privileged accounts", table)
            }
            PlanProtection::Keys { table, columns, keys, .. } => {
                let Some(index) = plan.table_named(table) else { continue };
                let row = |key: &Vec<String>| format!("({})", key.iter().map(|part| text(part)).collect::<Vec<_>>().join(", "));
                let rows: Vec<String> = keys.iter().map(row).collect();
                let parts: Vec<String> = (1..=columns.len()).map(|i| format!("k{i}")).collect();
                let on: Vec<String> = columns.iter().zip(&parts).map(|(c, k)| format!("p.{}::text = k.{k}", name(c))).collect();
                let from = format!(
                    "FROM {} AS p JOIN (VALUES {}) AS k({}) ON {}",
                    staging(index),
                    rows.join(", "),
                    parts.join(", "),
                    on.join(" AND ")
                );
                (from, "planned rows are protected or kept in review", table)
            }
        };
        let refusal = refuse("DS050", &format!("{} || ': ' || n || ' {what}'", text(&label.to_string())));
        let body = format!("SELECT count(*) INTO n {found};\nIF n > 0 THEN\n  {refusal}\nEND IF;");
        out.push_str(&guard("DS050", &format!("{label}: no protected row"), &body));
    }
    out
}

/// The conditions under which a row is not the one that was reviewed.
struct Drift {
    /// Some column differs.
    changed: String,
    /// Every other column differs; only where there are enough to tell.
    reused: Option<String>,
    /// A column that tells of activity differs.
    active: Option<String>,
}

impl Drift {
    fn of(plan: &DeletePlan, table: &PlanTable) -> Self {
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
pub(super) fn rows(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
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
        key = super::keys(table).iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(", "),
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
pub(super) fn touched_rows(index: usize, touch: &PlanTouch) -> String {
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

/// Renders a relation's comparison of child and parent.
pub(super) fn on_relation(relation: &PlanRelation, child: &str, parent: &str) -> String {
    let cast = if relation.same_types || relation.is_enforced() { "" } else { "::text" };
    let mut terms: Vec<String> = relation
        .child_columns
        .iter()
        .zip(&relation.parent_columns)
        .map(|(c, p)| format!("{child}.{}{cast} = {parent}.{}{cast}", name(c), name(p)))
        .collect();
    terms.extend(relation.only.iter().map(|o| format!("{child}.{}::text = {}", name(&o.column), text(&o.value))));
    terms.join(" AND ")
}

/// Renders the child rows of a relation that no part of the plan knows.
fn unknown_children(plan: &DeletePlan, relation: &PlanRelation, parent: usize) -> String {
    let mut known = Vec::new();
    if let Some(child) = plan.table_named(&relation.child) {
        let table = &plan.tables[child];
        known.push(if table.key.is_empty() {
            format!("NOT EXISTS (SELECT 1 FROM unseed_found_{child} AS q WHERE q.o = c.tableoid AND q.c = c.ctid)")
        } else {
            format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})", staging(child), on_key(table, "c", "q"))
        });
    }
    for (index, touch) in plan.touched.iter().enumerate().filter(|(_, t)| t.name == relation.child && !t.rows.is_empty()) {
        let names: Vec<String> = touch.set_null.iter().map(|c| touch.columns[*c].name.clone()).collect();
        if names == relation.child_columns {
            known.push(format!("NOT EXISTS (SELECT 1 FROM {} AS q WHERE {})", touched_staging(index), on_touched(touch, "c", "q")));
        }
    }
    let known: String = known.iter().map(|k| format!("\n    AND {k}")).collect();
    format!(
        "FROM {} AS c JOIN {} AS p ON {}\n  WHERE true{known}",
        qualified(&relation.child),
        staging(parent),
        on_relation(relation, "c", "p")
    )
}

/// DS040: no row that was not reviewed refers to a planned one.
pub(super) fn children(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let label = format!("{} ({}) -> {}", relation.child, relation.child_columns.join(", "), relation.parent);
        let shown = text(&relation.child.to_string());
        let quoted = regclass(&relation.child);
        let missing = refuse("DS032", &format!("'there is no table ' || {shown}"));
        out.push_str(&guard(
            "DS032",
            &format!("{} is there", relation.child),
            &format!("IF to_regclass({quoted}) IS NULL THEN\n  {missing}\nEND IF;"),
        ));
        let what = format!(
            "{shown} || ': ' || n || ' rows refer to planned rows and were not reviewed; somebody may use them: take a new snapshot'"
        );
        let body = format!(
            "SELECT count(*) INTO n {};\nIF n > 0 THEN\n  {}\nEND IF;",
            unknown_children(plan, relation, parent),
            refuse("DS040", &what)
        );
        out.push_str(&guard("DS040", &format!("{label}: no new row refers to a planned one"), &body));
    }
    out
}

/// `--on-drift skip`: gathers the clusters with a row that is not as it was reviewed, and takes them out of
/// the plan, whole.
pub(super) fn skip(plan: &DeletePlan) -> String {
    let mut out = String::from("-- Clusters with a row that is not as it was reviewed: DS020, DS021, DS022, DS040, DS041, DS050.\n");
    for (index, table) in plan.tables.iter().enumerate() {
        out.push_str(&skip_rows(plan, index, table));
    }
    for (index, touch) in plan.touched_tables() {
        let same: Vec<String> = touched_staged(touch).iter().map(|s| format!("NOT ({})", s.differs(&touch.columns, "t", "p"))).collect();
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS020', {}, concat_ws(',', {}) FROM {} AS p\n  \
             WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE {} AND {});",
            text(&touch.name.to_string()),
            touch.key.iter().map(|c| format!("p.{}", name(&touch.columns[*c].name))).collect::<Vec<_>>().join(", "),
            touched_staging(index),
            qualified(&touch.name),
            on_touched(touch, "t", "p"),
            same.join(" AND ")
        );
        out.push_str(&guard("DS020", &format!("{}: surviving rows", touch.name), &body));
    }
    for relation in &plan.relations {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS040', {}, concat_ws(',', {}) {};",
            text(&relation.child.to_string()),
            relation.child_columns.iter().map(|c| format!("c.{}", name(c))).collect::<Vec<_>>().join(", "),
            unknown_children(plan, relation, parent)
        );
        out.push_str(&guard("DS040", &format!("{} -> {}: new rows", relation.child, relation.parent), &body));
    }
    let staged: Vec<String> = (0..plan.tables.len()).map(staging).chain(plan.touched_tables().map(|(i, _)| touched_staging(i))).collect();
    for place in staged {
        out.push_str(&format!("DELETE FROM {place} WHERE unseed_cluster IN (SELECT cluster FROM unseed_drift);\n"));
    }
    out.push_str(
        "SELECT coalesce(json_agg(d ORDER BY d.cluster, d.code, d.\"table\", d.key), '[]') INTO drift FROM (SELECT * FROM unseed_drift ORDER BY 1, 2, 3, 4 LIMIT 1000) AS d;\n",
    );
    out
}

fn skip_rows(plan: &DeletePlan, index: usize, table: &PlanTable) -> String {
    let shown = text(&table.name.to_string());
    if table.key.is_empty() {
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS021', {shown}, p.unseed_no::text FROM {} AS p\n  \
             LEFT JOIN (SELECT unseed_no, count(*) AS present FROM unseed_found_{index} GROUP BY unseed_no) AS f USING (unseed_no)\n  \
             WHERE coalesce(f.present, 0) <> p.unseed_of;",
            staging(index)
        );
        return guard("DS021", &format!("{}: rows gone", table.name), &body);
    }
    let drift = Drift::of(plan, table);
    let key = super::keys(table).iter().map(|k| format!("p.{k}")).collect::<Vec<_>>().join(", ");
    let (on, staged, target) = (on_key(table, "t", "p"), staging(index), target(table));
    let mut out = guard(
        "DS021",
        &format!("{}: rows gone", table.name),
        &format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, 'DS021', {shown}, concat_ws(',', {key}) FROM {staged} AS p\n  \
             WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {on});"
        ),
    );
    let mut add = |code: &str, condition: &str| {
        let body = format!(
            "INSERT INTO unseed_drift SELECT p.unseed_cluster, '{code}', {shown}, concat_ws(',', {key}) FROM {staged} AS p JOIN {target} AS t ON {on}\n  WHERE {condition};"
        );
        out.push_str(&guard(code, &format!("{}: {}", table.name, crate::dialect::codes::title(code)), &body));
    };
    if let Some(reused) = &drift.reused {
        add("DS022", reused);
    }
    if let Some(active) = &drift.active {
        add("DS041", active);
    }
    add("DS020", &drift.changed);
    for protection in &plan.protected {
        if let PlanProtection::Privilege { table: of, column, values, .. } = protection
            && plan.table_named(of) == Some(index)
        {
            let list: Vec<String> = values.iter().map(|v| text(v)).collect();
            add("DS050", &format!("lower(t.{}::text) IN ({})", name(column), list.join(", ")));
        }
    }
    out
}

/// DS051, and DS040 again where no foreign key stops new rows.
pub(super) fn after(plan: &DeletePlan) -> String {
    let mut out = String::new();
    for protection in &plan.protected {
        let PlanProtection::Privilege { table, column, values, keep_one: true } = protection else { continue };
        let list: Vec<String> = values.iter().map(|v| text(v)).collect();
        let refusal = refuse("DS051", &format!("{} || ': no privileged account would remain'", text(&table.to_string())));
        let body = format!(
            "IF NOT EXISTS (SELECT 1 FROM {} WHERE lower({}::text) IN ({})) THEN\n  {refusal}\nEND IF;",
            qualified(table),
            name(column),
            list.join(", ")
        );
        out.push_str(&guard("DS051", &format!("{table}: at least one privileged account remains"), &body));
    }
    for relation in plan.relations.iter().filter(|r| !r.is_enforced()) {
        let Some(parent) = plan.table_named(&relation.parent) else { continue };
        let what =
            format!("{} || ': a row that refers to a planned one was inserted while the script ran'", text(&relation.child.to_string()));
        let body = format!(
            "IF EXISTS (SELECT 1 FROM {} AS c JOIN {} AS p ON {}) THEN\n  {}\nEND IF;",
            qualified(&relation.child),
            staging(parent),
            on_relation(relation, "c", "p"),
            refuse("DS040", &what)
        );
        out.push_str(&guard("DS040", &format!("{} again: no foreign key stops new rows", relation.child), &body));
    }
    out
}
