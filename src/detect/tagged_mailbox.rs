//! One mailbox with many accounts: `kasia+1@`, `kasia+rel9@`, `kasia+new@`.

use super::address;
use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct TaggedMailbox;

const META: DetectorMeta = DetectorMeta {
    id: "tagged-mailbox",
    title: "One mailbox, many accounts",
    family: Family::Template,
    reads: &[Role::Email],
    finds: "At least four accounts whose addresses are one mailbox with different tags behind a plus sign: testers sign up again and again and read all the mail in one place.",
    false_positives: "A parent tags an address for each child, a shop owner one for each branch: rarely more than three; where many do, nothing is said. Sends rows to review, never to a script by itself.",
    source: "RFC 5233 subaddressing; testing guides of mail services, which teach name+1@ for test accounts.",
};

/// Fewest accounts of one mailbox.
const LEAST: usize = 4;

/// Bits of such an account: where hardly anybody shares a mailbox, less than one real account in a thousand shares
/// one with three others.
const BITS: f64 = 10.8;

/// Share of the table's accounts from which its people share mailboxes: parents of a camp's children.
const USUAL: f64 = 0.02;

impl Marks for TaggedMailbox {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no address";
    const MANY: usize = LEAST;

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        let (local, domain) = address::parts(text)?;
        let (mailbox, tag) = local.split_once('+')?;
        (!mailbox.is_empty() && !tag.is_empty()).then(|| format!("{}+{{tag}}@{}", mailbox.to_lowercase(), domain.to_lowercase()).into())
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        (of.rows.len() >= LEAST && of.in_large as f64 <= USUAL * of.table.rows() as f64).then(|| Finding {
            detail: format!("{} accounts have the mailbox {}", of.rows.len(), of.kind),
            measure: Measure::Against { bits: BITS },
            certainty: Certainty::Suggests,
            proposes: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_tag_off() {
        let mailbox = |text: &str| TaggedMailbox.mark(Role::Email, text).map(Kind::into_owned);
        assert_eq!(mailbox("Kasia+rel9@corp.io").as_deref(), Some("kasia+{tag}@corp.io"));
        assert_eq!(mailbox("kasia+@corp.io"), None);
        assert_eq!(mailbox("kasia@corp.io"), None);
        assert_eq!(mailbox("+9@corp.io"), None);
    }
}
