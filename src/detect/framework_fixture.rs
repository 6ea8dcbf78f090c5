//! Accounts that frameworks, tutorials and sample databases ship: whole addresses only.

use polars::prelude::{DataFrame, PolarsResult};

use super::cells::{self, Finding};
use super::{Detector, TableView};
use crate::model::{Certainty, DetectorMeta, Evidence, Family, Measure, Role};
use crate::snapshot::{Chunk, ColumnRead};

/// Finds what [`META`] says.
pub(super) struct FrameworkFixture;

const META: DetectorMeta = DetectorMeta {
    id: "framework-fixture",
    title: "Accounts that frameworks ship",
    family: Family::Identifier,
    reads: &[Role::Email],
    finds: "Addresses from the seeds of frameworks, tutorials, starters and sample databases: alice@prisma.io, user@nextmail.com, roni_cost@example.com, Sincere@april.biz, example-7@railstutorial.org, ...@sakilacustomer.org.",
    false_positives: "Their authors have some of these addresses, and may be customers of somebody. One such row is for a person to look at; an account with power over others is protected.",
    source: "Seed files and documentation of Prisma, Next.js Learn, Remix stacks, Rails Tutorial, Laravel, Symfony Demo, JHipster, eShopOnWeb, IdentityServer, Magento, PrestaShop, Odoo, WordPress, Cal.com, JSONPlaceholder, reqres.in, Sakila, Chinook, RealWorld.",
};

/// Whole addresses, in lower case, sorted, and who ships them.
const ADDRESSES: &[(&str, &str)] = &[
    ("admin@admin.com", "starter kits"),
    ("admin@localhost", "JHipster"),
    ("alice@prisma.io", "Prisma"),
    ("alicesmith@email.com", "IdentityServer"),
    ("amy@burns.com", "Next.js Learn"),
    ("balazs@orban.com", "Next.js Learn"),
    ("bob@prisma.io", "Prisma"),
    ("bobsmith@email.com", "IdentityServer"),
    ("chaim_mcdermott@dana.io", "JSONPlaceholder"),
    ("charles.morris@reqres.in", "reqres.in"),
    ("delba@oliveira.com", "Next.js Learn"),
    ("demo@demo.com", "starter kits"),
    ("demouser@microsoft.com", "eShopOnWeb"),
    ("emma.wong@reqres.in", "reqres.in"),
    ("eve.holt@reqres.in", "reqres.in"),
    ("evil@rabbit.com", "Next.js Learn"),
    ("george.bluth@reqres.in", "reqres.in"),
    ("hector@simpson.com", "Next.js Learn"),
    ("jake@jake.jake", "RealWorld"),
    ("jane_admin@symfony.com", "Symfony Demo"),
    ("janet.weaver@reqres.in", "reqres.in"),
    ("john_user@symfony.com", "Symfony Demo"),
    ("julianne.oconner@kory.org", "JSONPlaceholder"),
    ("karley_dach@jasper.info", "JSONPlaceholder"),
    ("kody@kcd.dev", "Epic Stack"),
    ("lee@robinson.com", "Next.js Learn"),
    ("lucio_hettinger@annie.ca", "JSONPlaceholder"),
    ("mahmoud@prisma.io", "Prisma"),
    ("michael@novotny.com", "Next.js Learn"),
    ("nathan@yesenia.net", "JSONPlaceholder"),
    ("nilu@prisma.io", "Prisma"),
    ("pub@prestashop.com", "PrestaShop"),
    ("rachel@remix.run", "Remix"),
    ("rey.padberg@karina.biz", "JSONPlaceholder"),
    ("roni_cost@example.com", "Magento"),
    ("shanna@melissa.tv", "JSONPlaceholder"),
    ("sherwood@rosamond.me", "JSONPlaceholder"),
    ("sincere@april.biz", "JSONPlaceholder"),
    ("steph@dietz.com", "Next.js Learn"),
    ("steven@tey.com", "Next.js Learn"),
    ("system@localhost", "JHipster"),
    ("telly.hoeger@billy.biz", "JSONPlaceholder"),
    ("tom_admin@symfony.com", "Symfony Demo"),
    ("tracey.ramos@reqres.in", "reqres.in"),
    ("user@localhost", "JHipster"),
    ("user@nextmail.com", "Next.js Learn"),
    ("user@user.com", "starter kits"),
    ("wapuu@wordpress.example", "WordPress"),
];

/// Domains under which only sample data has addresses.
const DOMAINS: &[(&str, &str)] = &[
    ("odoo.example", "Odoo"),
    ("railstutorial.jp", "Rails Tutorial"),
    ("railstutorial.org", "Rails Tutorial"),
    ("sakilacustomer.org", "Sakila"),
    ("sakilastaff.com", "Sakila"),
    ("x.dummyjson.com", "DummyJSON"),
];

/// Share of a seed's rows that show it, and of real ones, at least: none of 1,267 public commit authors.
const SEEDED: f64 = 0.9;
const REAL_FLOOR: f64 = 0.0003;

fn shipped_by(address: &str) -> Option<String> {
    let lower = address.trim().to_lowercase();
    let (_, domain) = lower.rsplit_once('@')?;
    if let Ok(place) = ADDRESSES.binary_search_by(|(known, _)| (*known).cmp(lower.as_str())) {
        return Some(ADDRESSES[place].1.to_owned());
    }
    DOMAINS.iter().find(|(known, _)| domain == *known).map(|(_, by)| (*by).to_owned())
}

impl Detector for FrameworkFixture {
    fn meta(&self) -> &'static DetectorMeta {
        &META
    }

    fn reads(&self, table: &TableView<'_>) -> Result<Vec<ColumnRead>, String> {
        let reads = table.texts(META.reads);
        if reads.is_empty() { Err("no e-mail address".to_owned()) } else { Ok(reads) }
    }

    fn scan(&self, chunk: &Chunk, table: &TableView<'_>) -> PolarsResult<DataFrame> {
        cells::mark(chunk, table, META.reads, |_, text| shipped_by(text))
    }

    fn finish(&self, merged: &DataFrame, table: &TableView<'_>) -> PolarsResult<Vec<Evidence>> {
        cells::facts(&META, merged, table, |kind, _| {
            Some(Finding {
                detail: format!("the address is one that {kind} ships"),
                measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
                certainty: Certainty::Suggests,
                proposes: true,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(ADDRESSES.is_sorted_by_key(|a| a.0) && DOMAINS.is_sorted_by_key(|d| d.0));
    }

    #[test]
    fn knows_whole_addresses_only() {
        for (address, by) in [
            ("Alice@Prisma.io", "Prisma"),
            ("user@nextmail.com", "Next.js Learn"),
            ("example-12@railstutorial.org", "Rails Tutorial"),
            ("MARY.SMITH@sakilacustomer.org", "Sakila"),
        ] {
            assert_eq!(shipped_by(address).as_deref(), Some(by), "{address}");
        }
        for address in ["alice@prisma.com", "petra@prisma.io", "user@nextmail.org", "notalice@prisma.io", "alice", "@", ""] {
            assert_eq!(shipped_by(address), None, "{address}");
        }
    }
}
