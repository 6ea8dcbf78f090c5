//! Accounts that frameworks, tutorials and sample databases ship: whole addresses only.

use super::address;
use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct FrameworkFixture;

const META: DetectorMeta = DetectorMeta {
    id: "framework-fixture",
    title: "Accounts that frameworks ship",
    family: Family::Identifier,
    reads: &[Role::Email],
    finds: "Addresses from the seeds of frameworks, tutorials, starters and sample databases: alice@prisma.io, user@nextmail.com, roni_cost@example.com, Sincere@april.biz, example-7@railstutorial.org, ...@sakilacustomer.org.",
    false_positives: "Their authors have some of these addresses, and may be customers of somebody. One such row is for a person to look at; an account with power over others is protected.",
    source: "Seed files and documentation of Prisma, Next.js Learn, Rails Tutorial, Laravel, Symfony Demo, JHipster, eShopOnWeb, IdentityServer, Magento, PrestaShop, Odoo, WordPress, Cal.com, JSONPlaceholder, reqres.in, Sakila, Chinook, RealWorld.",
};

/// Whole addresses, in lower case, sorted, and who ships them; none that a seed borrows from one of its authors.
const ADDRESSES: &[(&str, &str)] = &[
    ("admin@admin.com", "starter kits"),
    ("admin@localhost", "JHipster"),
    ("alice@prisma.io", "Prisma"),
    ("alicesmith@email.com", "IdentityServer"),
    ("bob@prisma.io", "Prisma"),
    ("bobsmith@email.com", "IdentityServer"),
    ("chaim_mcdermott@dana.io", "JSONPlaceholder"),
    ("charles.morris@reqres.in", "reqres.in"),
    ("demo@demo.com", "starter kits"),
    ("demouser@microsoft.com", "eShopOnWeb"),
    ("emma.wong@reqres.in", "reqres.in"),
    ("eve.holt@reqres.in", "reqres.in"),
    ("george.bluth@reqres.in", "reqres.in"),
    ("jake@jake.jake", "RealWorld"),
    ("jane_admin@symfony.com", "Symfony Demo"),
    ("janet.weaver@reqres.in", "reqres.in"),
    ("john_user@symfony.com", "Symfony Demo"),
    ("julianne.oconner@kory.org", "JSONPlaceholder"),
    ("karley_dach@jasper.info", "JSONPlaceholder"),
    ("lucio_hettinger@annie.ca", "JSONPlaceholder"),
    ("nathan@yesenia.net", "JSONPlaceholder"),
    ("pub@prestashop.com", "PrestaShop"),
    ("rey.padberg@karina.biz", "JSONPlaceholder"),
    ("roni_cost@example.com", "Magento"),
    ("shanna@melissa.tv", "JSONPlaceholder"),
    ("sherwood@rosamond.me", "JSONPlaceholder"),
    ("sincere@april.biz", "JSONPlaceholder"),
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
    let (_, domain) = address::parts(&lower)?;
    if let Ok(place) = ADDRESSES.binary_search_by(|(known, _)| (*known).cmp(lower.as_str())) {
        return Some(ADDRESSES[place].1.to_owned());
    }
    DOMAINS.iter().find(|(known, _)| domain == *known).map(|(_, by)| (*by).to_owned())
}

impl Marks for FrameworkFixture {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no e-mail address";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        shipped_by(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("the address is one that {} ships", of.kind),
            measure: Measure::Rate { seeded: SEEDED, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: true,
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
