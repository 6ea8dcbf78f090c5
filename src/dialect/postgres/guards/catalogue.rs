//! What the catalogue says: the user's rights, the shape of each table, foreign keys and hooks that the snapshot does not know.

use crate::dialect::guard;
use crate::dialect::postgres::literal::{regclass, text};
use crate::dialect::postgres::{left_schema, refuse};
use crate::model::OnDelete;
use crate::model::plan::{DeletePlan, PlanRelation, PlanTable};

/// A table and a right on it.
pub(in crate::dialect::postgres) type Need = (crate::model::QualifiedName, &'static str);

/// Lists the rights that the user lacks, as GRANT statements, and refuses if there are any.
pub(in crate::dialect::postgres) fn rights(plan: &DeletePlan, needs: &[Need], makes_schema: bool) -> String {
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
pub(in crate::dialect::postgres) fn needs(plan: &DeletePlan) -> Vec<Need> {
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

/// DS032, DS033: is a table what was reviewed?
pub(in crate::dialect::postgres) fn shape(index: usize, table: &PlanTable) -> String {
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
pub(in crate::dialect::postgres) fn catalogue(plan: &DeletePlan) -> String {
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
