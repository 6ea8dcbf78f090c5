//! What people are under: teams, tenants, shops.

use std::borrow::Cow;

use super::blocks::LEAST_PARENTS;
use crate::detect::{NO_ROW, TableFacts, TableView};
use crate::model::{Row, TableId};

/// A way from people to what they are under: a reference of their own, or the two of a table between.
pub(super) struct Grouping<'t> {
    pub(super) people: Option<&'t [Row]>,
    pub(super) parents: &'t [Row],
    pub(super) parent: TableId,
}

/// Lists the ways from a table's people to rows of other tables.
pub(super) fn groupings<'t>(table: &TableView<'t>) -> Vec<Grouping<'t>> {
    let (all, own): (&'t [TableFacts], TableId) = (table.all, table.profile.id);
    let is_parent = |parent: TableId| parent != own && all[parent.index()].rows >= 2 * LEAST_PARENTS;
    let links = |facts: &'t TableFacts| facts.parents.iter().filter(move |link| is_parent(link.parent));
    let direct = links(table.facts).map(|link| Grouping { people: None, parents: &link.rows, parent: link.parent });
    let between = all.iter().filter(|between| !std::ptr::eq(*between, table.facts)).flat_map(|between| {
        let people = between.parents.iter().filter(move |link| link.parent == own);
        people.flat_map(move |person| {
            links(between).map(|link| Grouping { people: Some(&person.rows), parents: &link.rows, parent: link.parent })
        })
    });
    direct.chain(between).collect()
}

impl<'t> Grouping<'t> {
    /// Returns what each person is under, [`NO_ROW`] where it is nothing or several things.
    pub(super) fn under(&self, people: usize) -> Cow<'t, [Row]> {
        let Some(between) = self.people else { return Cow::Borrowed(self.parents) };
        let mut under = vec![NO_ROW; people];
        let mut several = Vec::new();
        for (person, parent) in between.iter().zip(self.parents).filter(|(person, parent)| **person != NO_ROW && **parent != NO_ROW) {
            match &mut under[*person as usize] {
                known if *known == NO_ROW => *known = *parent,
                known if *known == *parent => {}
                _ => several.push(*person),
            }
        }
        several.into_iter().for_each(|person| under[person as usize] = NO_ROW);
        Cow::Owned(under)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_several_teams_is_under_none() {
        let grouping = Grouping { people: Some(&[0, 0, 1, 1, 2, NO_ROW]), parents: &[4, 4, 4, 5, NO_ROW, 6], parent: TableId(0) };
        assert_eq!(*grouping.under(3), [4, NO_ROW, NO_ROW]);
    }
}
