//! Pictures at the hosts that generators point to.

use super::marks::{Finding, Kind, Marked, Marks};
use crate::model::{Certainty, DetectorMeta, Family, Measure, Role};

/// Finds what [`META`] says.
pub(super) struct GeneratorImage;

const META: DetectorMeta = DetectorMeta {
    id: "generator-image",
    title: "Pictures of generators",
    family: Family::Shape,
    reads: &[Role::ImageUrl, Role::Url],
    finds: "Avatars and pictures at the hosts that generators point to: cdn.fakercloud.com, the faker-js portraits, robohash, pravatar, randomuser, loremflickr, placeimg, via.placeholder.com, dummyimage, placekitten, picsum.photos.",
    false_positives: "A site may use such a host for accounts without a picture; the share in the rest of the table is weighed. Avatars at githubusercontent.com are left out: sites with GitHub logins store them.",
    source: "Image and avatar providers of faker-js 5 to 10, Python's Faker, FakerPHP, Ruby's faker, Bogus, falso and randomuser.me.",
};

/// Share of real rows with such a picture, at least.
const REAL_FLOOR: f64 = 0.001;

/// Parts of addresses that only generators write, and what made them.
const HOSTS: &[&str] = &[
    "cdn.fakercloud.com/avatars/",
    "s3.amazonaws.com/uifaces/faces/",
    "/ipfs/Qmd3W5DuhgHirLHGVixi6V76LhCkZUz6pnFt5AJBiyvHye/avatar/",
    "cdn.jsdelivr.net/gh/faker-js/assets-person-portrait/",
    "robohash.org/",
    "i.pravatar.cc/",
    "randomuser.me/api/portraits/",
    "loremflickr.com/",
    "lorempixel.com/",
    "placeimg.com/",
    "via.placeholder.com/",
    "placehold.it/",
    "placehold.co/",
    "dummyimage.com/",
    "placekitten.com/",
    "placebeard.it/",
    "picsum.photos/",
    "placecats.com/",
    "fakeimg.pl/",
];

fn host(url: &str) -> Option<&'static str> {
    HOSTS.iter().copied().find(|h| url.contains(h))
}

impl Marks for GeneratorImage {
    const META: &'static DetectorMeta = &META;
    const LACKS: &'static str = "no web address";

    fn mark(&self, _role: Role, text: &str) -> Option<Kind> {
        host(text).map(Into::into)
    }

    fn weigh(&self, of: &Marked<'_>) -> Option<Finding> {
        Some(Finding {
            detail: format!("picture at {}, where generators point", of.kind.trim_matches('/')),
            measure: Measure::Rate { seeded: 0.9, real_floor: REAL_FLOOR },
            certainty: Certainty::Suggests,
            proposes: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_hosts() {
        assert!(host("https://cdn.jsdelivr.net/gh/faker-js/assets-person-portrait/male/512/7.jpg").is_some());
        assert!(host("https://picsum.photos/seed/x1/640/480").is_some());
        assert_eq!(host("https://avatars.githubusercontent.com/u/583231"), None);
        assert_eq!(host("https://cdn.shop.example/avatars/7.jpg"), None);
    }
}
