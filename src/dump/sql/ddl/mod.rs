//! Reads schema statements: tables, keys, relations, indexes, triggers. What it does not know it
//! passes over; it never executes.

mod alter;
mod column;
mod constraint;
mod create;
mod cursor;

use std::ops::Range;

use super::lexer::{Flavor, LexError, Lexer, Token};
use crate::dump::SchemaChange;

/// What a schema statement says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ddl {
    /// Changes, in order.
    pub changes: Vec<SchemaChange>,
}

/// Reads one statement; a statement that is no schema gives no change.
///
/// # Errors
/// Returns that a token is malformed or unfinished.
pub fn parse(statement: &[u8], flavor: Flavor, default_schema: &str) -> Result<Ddl, LexError> {
    let mut lexer = Lexer::new(statement, flavor);
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank()?;
        let start = lexer.pos();
        match lexer.token()? {
            Some(token) => tokens.push((token, start..lexer.pos())),
            None => break,
        }
    }
    tokens.pop_if(|t| t.0 == Token::Punct(b';'));
    let mut parser = Parser { statement, tokens, pos: 0, default_schema, ddl: Ddl::default() };
    parser.statement();
    Ok(parser.ddl)
}

struct Parser<'a> {
    statement: &'a [u8],
    tokens: Vec<(Token<'a>, Range<usize>)>,
    pos: usize,
    default_schema: &'a str,
    ddl: Ddl,
}

impl Parser<'_> {
    fn statement(&mut self) {
        if self.eat("CREATE") {
            self.create();
        } else if self.eat_all(&["ALTER", "TABLE"]) || self.eat_all(&["ALTER", "FOREIGN", "TABLE"]) {
            self.alter_table();
        } else if self.eat("DROP") {
            self.drop_objects();
        } else if self.eat_all(&["RENAME", "TABLE"]) {
            self.rename_tables();
        }
    }

    fn drop_objects(&mut self) {
        let kind = self.pos;
        self.pos += 1;
        let is = |word: &str| self.tokens.get(kind).is_some_and(|t| t.0.is(word));
        let (table, schema, database) = (is("TABLE"), is("SCHEMA"), is("DATABASE"));
        if !table && !schema && !database {
            return;
        }
        self.eat_all(&["IF", "EXISTS"]);
        while let Some(name) = self.qualified() {
            self.ddl.changes.push(match (table, schema) {
                (true, _) => SchemaChange::Drop { table: name },
                (_, true) => SchemaChange::DropSchema { name: name.name },
                _ => SchemaChange::DropDatabase { name: name.name },
            });
            if !self.eat_punct(b',') {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::ForeignKeyDdl;
    use crate::model::{OnDelete, QualifiedName};

    fn changes(text: &str) -> Vec<SchemaChange> {
        parse(text.as_bytes(), Flavor::POSTGRES, "public").expect("parses").changes
    }

    fn table(name: &str) -> QualifiedName {
        QualifiedName::new("public", name)
    }

    #[test]
    fn reads_a_table_as_pg_dump_writes_it() {
        let found = changes(
            "CREATE TABLE public.\"My Users\" (id integer DEFAULT nextval('s'::regclass) NOT NULL, \
             email character varying(40) COLLATE pg_catalog.\"C\", at timestamp(3) with time zone DEFAULT now() NOT NULL, \
             tags text[] DEFAULT '{}'::text[], full_name text GENERATED ALWAYS AS ((a || ' '::text)) STORED, key integer, \
             CONSTRAINT positive CHECK ((id > 0))) PARTITION BY RANGE (at);",
        );
        let SchemaChange::Table { name, columns, partitioned, .. } = &found[0] else { panic!("no table: {found:?}") };
        assert_eq!(*name, table("My Users"));
        assert!(*partitioned);
        let types: Vec<_> = columns.iter().map(|c| (c.name.as_str(), c.type_text.as_str())).collect();
        assert_eq!(
            types,
            [
                ("id", "integer"),
                ("email", "character varying(40)"),
                ("at", "timestamp(3) with time zone"),
                ("tags", "text[]"),
                ("full_name", "text"),
                ("key", "integer")
            ]
        );
        assert!(columns[0].identity && columns[0].not_null && columns[4].generated);
        assert_eq!(columns[2].default.as_deref(), Some("now()"));
    }

    #[test]
    fn reads_what_tables_and_columns_become() {
        let renamed = |column: &str, to: &str| SchemaChange::RenameColumn { table: table("a"), column: column.into(), to: to.into() };
        assert_eq!(changes("ALTER TABLE a RENAME TO b;"), [SchemaChange::RenameTable { table: table("a"), to: table("b") }]);
        assert_eq!(changes("ALTER TABLE a RENAME COLUMN x TO y;"), [renamed("x", "y")]);
        assert_eq!(
            changes("ALTER TABLE a RENAME x TO y, DROP COLUMN IF EXISTS z CASCADE;"),
            [renamed("x", "y"), SchemaChange::DropColumn { table: table("a"), column: "z".into() }]
        );
        assert_eq!(changes("ALTER TABLE a DROP CONSTRAINT x, RENAME CONSTRAINT c TO d;"), []);
        assert_eq!(
            changes("ALTER TABLE a ALTER COLUMN x SET DATA TYPE numeric(10,2);"),
            [SchemaChange::Retype { table: table("a"), column: "x".into(), type_text: "numeric(10,2)".into() }]
        );
        let mysql = |text: &str| parse(text.as_bytes(), Flavor::MYSQL, "").expect("parses").changes;
        let bare = |name: &str| QualifiedName::new("", name);
        assert_eq!(
            mysql("ALTER TABLE `a` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7;"),
            [
                SchemaChange::Retype { table: bare("a"), column: "id".into(), type_text: "int(11)".into() },
                SchemaChange::NotNull { table: bare("a"), column: "id".into() },
                SchemaChange::Identity { table: bare("a"), column: "id".into() },
            ]
        );
        assert_eq!(
            mysql("ALTER TABLE a CHANGE x y text;"),
            [
                SchemaChange::RenameColumn { table: bare("a"), column: "x".into(), to: "y".into() },
                SchemaChange::Retype { table: bare("a"), column: "y".into(), type_text: "text".into() },
            ]
        );
        assert_eq!(
            mysql("RENAME TABLE a TO b, c TO d;"),
            [SchemaChange::RenameTable { table: bare("a"), to: bare("b") }, SchemaChange::RenameTable { table: bare("c"), to: bare("d") },]
        );
    }

    #[test]
    fn reads_keys_and_relations() {
        assert_eq!(
            changes("ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);"),
            [SchemaChange::PrimaryKey { table: table("users"), columns: vec!["id".into()] }]
        );
        assert_eq!(
            changes(
                "ALTER TABLE ONLY public.a ADD CONSTRAINT f FOREIGN KEY (x, \"Y\") REFERENCES app.b(u, v) \
                 ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE;"
            ),
            [SchemaChange::ForeignKey {
                table: table("a"),
                key: ForeignKeyDdl {
                    name: "f".into(),
                    columns: vec!["x".into(), "Y".into()],
                    parent: QualifiedName::new("app", "b"),
                    parent_columns: vec!["u".into(), "v".into()],
                    on_delete: OnDelete::SetNull,
                }
            }]
        );
        let inline =
            changes("CREATE TABLE s (id bigserial PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE, UNIQUE (user_id, id));");
        assert!(inline.contains(&SchemaChange::Unique { table: table("s"), columns: vec!["user_id".into(), "id".into()] }));
        assert!(inline.iter().any(
            |c| matches!(c, SchemaChange::ForeignKey { key, .. } if key.on_delete == OnDelete::Cascade && key.parent_columns.is_empty())
        ));
    }

    #[test]
    fn partial_and_expression_indexes_are_no_keys() {
        assert_eq!(changes("CREATE UNIQUE INDEX i ON public.users USING btree (lower(email));"), []);
        assert_eq!(changes("CREATE UNIQUE INDEX i ON public.users USING btree (email) WHERE (deleted_at IS NULL);"), []);
        assert_eq!(
            changes("CREATE INDEX i ON ONLY public.users USING btree (email DESC NULLS LAST, id);"),
            [SchemaChange::Index { table: table("users"), columns: vec!["email".into(), "id".into()] }]
        );
    }

    #[test]
    fn reads_what_goes() {
        assert_eq!(
            changes("DROP TABLE IF EXISTS public.a, \"B\" CASCADE;"),
            [SchemaChange::Drop { table: table("a") }, SchemaChange::Drop { table: table("B") }]
        );
        assert_eq!(changes("DROP SCHEMA app CASCADE;"), [SchemaChange::DropSchema { name: "app".into() }]);
        assert_eq!(changes("DROP VIEW a;"), []);
        assert_eq!(changes("DROP TEMPORARY TABLE a;"), []);
    }

    #[test]
    fn reads_triggers_rules_and_policies() {
        let hook = |kind, name: &str, on_delete| SchemaChange::Hook { table: table("users"), kind, name: name.into(), on_delete };
        assert_eq!(
            changes("CREATE TRIGGER t BEFORE INSERT OR DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION f();"),
            [hook("trigger", "t", true)]
        );
        assert_eq!(changes("CREATE RULE r AS ON DELETE TO public.users DO INSTEAD NOTHING;"), [hook("rule", "r", true)]);
        assert_eq!(changes("CREATE POLICY p ON public.users USING (true);"), [hook("policy", "p", true)]);
    }
}
