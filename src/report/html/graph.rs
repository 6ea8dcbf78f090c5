//! The foreign-key graph: children on the left, parents on the right, as an SVG that scrolls where the screen is narrow.

use maud::{Markup, html};

use super::text::number;
use crate::report::model::{Edge, Graph};

const BOX_WIDTH: usize = 176;
const BOX_HEIGHT: usize = 46;
const GAP_X: usize = 84;
const GAP_Y: usize = 20;

/// Longest name inside a box, in characters.
const NAME: usize = 22;

pub(super) fn section(graph: &Graph) -> Markup {
    html! {
        section id="order" aria-labelledby="order-title" {
            h2 id="order-title" { "What hangs together, and the order of deletion" }
            @if graph.nodes.is_empty() { p { "No row is seeded or in review, so nothing would be deleted." } }
            @else {
                p { "Scripts delete children before their parents and never rely on what the database cascades. A row that stays and refers to a seeded one holds it back, unless people decide to let it go too." }
                (picture(graph))
                @if graph.left_out > 0 { p class="soft" { (graph.left_out) " more tables are not drawn." } }
                (tables(graph))
            }
        }
    }
}

fn tables(graph: &Graph) -> Markup {
    let held = |index: usize| graph.edges.iter().filter(|e| e.parent == index).map(|e| e.holding).sum::<u64>();
    html! {
        div class="wide" tabindex="0" role="region" aria-label="Order of deletion" {
            table {
                caption { "Order of deletion and blast radius" }
                thead { tr { th scope="col" class="n" { "Step" } th scope="col" { "Table" } th scope="col" class="n" { "Seeded" } th scope="col" class="n" { "In review" } th scope="col" class="n" { "Rows that stay and refer to seeded ones" } th scope="col" { "Refers to" } } }
                tbody {
                    @for (index, node) in graph.nodes.iter().enumerate() {
                        tr {
                            td class="n" { @if let Some(order) = node.order { (order) } @else { "\u{2013}" } }
                            th scope="row" { bdi { (node.name) } @if node.circle { " " span class="soft" { "(circle)" } } }
                            td class="n" { (number(node.seeded)) }
                            td class="n" { (number(node.review)) }
                            td class="n" { (number(held(index))) }
                            td { @for edge in graph.edges.iter().filter(|e| e.child == index) { (relation(graph, edge)) } }
                        }
                    }
                }
            }
        }
    }
}

fn relation(graph: &Graph, edge: &Edge) -> Markup {
    html! {
        div {
            bdi { (graph.nodes[edge.parent].name) } " " span class="soft" {
                "by " bdi { (edge.columns) } ", on delete " (edge.on_delete.as_sql().to_ascii_lowercase())
                @if !edge.declared { ", inferred" }
                @if edge.holding > 0 { ", " (number(edge.holding)) " rows hold" }
            }
        }
    }
}

fn picture(graph: &Graph) -> Markup {
    let levels = graph.nodes.iter().map(|n| n.level).max().unwrap_or(0) + 1;
    let mut used = vec![0_usize; levels];
    let places: Vec<(usize, usize)> = graph
        .nodes
        .iter()
        .map(|node| {
            let row = used[node.level];
            used[node.level] += 1;
            (node.level * (BOX_WIDTH + GAP_X) + 4, row * (BOX_HEIGHT + GAP_Y) + 14)
        })
        .collect();
    let width = levels * (BOX_WIDTH + GAP_X) - GAP_X + 40;
    let height = used.iter().max().unwrap_or(&1) * (BOX_HEIGHT + GAP_Y) + 8;
    html! {
        div class="wide" tabindex="0" role="region" aria-label="Foreign keys, drawn; the table below says the same" {
            svg class="graph" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-label={ "Foreign keys between " (graph.nodes.len()) " tables; the table below says the same" } {
                @for (index, edge) in graph.edges.iter().enumerate() { (line(edge, port(graph, index), &places)) }
                @for (node, (x, y)) in graph.nodes.iter().zip(&places) {
                    g class=(if node.seeded > 0 { "node seeded" } else if node.review > 0 { "node review" } else { "node" }) {
                        title { (node.name) ": " (node.seeded) " seeded, " (node.review) " in review, of " (node.rows) }
                        rect x=(x) y=(y) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="6" {}
                        text class="name" x=(x + 10) y=(y + 19) { @if let Some(order) = node.order { (order) ". " } (short(&node.name)) }
                        text class="count" x=(x + 10) y=(y + 36) {
                            @if node.seeded + node.review == 0 { "nothing goes" }
                            @else { (number(node.seeded)) " seeded" @if node.review > 0 { ", " (number(node.review)) " review" } }
                        }
                    }
                }
            }
        }
    }
}

/// Spreads the ends of a table's incoming relations over its side.
fn port(graph: &Graph, index: usize) -> usize {
    let edge = &graph.edges[index];
    let incoming = graph.edges.iter().filter(|e| e.parent == edge.parent && e.child != e.parent).count();
    let before = graph.edges[..index].iter().filter(|e| e.parent == edge.parent && e.child != e.parent).count();
    (before + 1) * BOX_HEIGHT / (incoming + 1)
}

fn line(edge: &Edge, port: usize, places: &[(usize, usize)]) -> Markup {
    let (from, to) = (places[edge.child], places[edge.parent]);
    let middle = BOX_HEIGHT / 2;
    let (x1, y1) = (from.0 + BOX_WIDTH, from.1 + middle);
    let (x2, y2) = (to.0, to.1 + port);
    let path = if edge.child == edge.parent {
        format!("M{x1} {}c26 -16 26 16 0 12", y1 - 6)
    } else if from.0 == to.0 {
        format!("M{x1} {y1}C{} {y1} {} {y2} {x1} {y2}", x1 + 34, x1 + 34)
    } else {
        let bend = GAP_X / 2;
        format!("M{x1} {y1}C{} {y1} {} {y2} {} {y2}l-7 -4v8z", x1 + bend, x2.saturating_sub(bend), x2 - 1)
    };
    html! { path class=(if edge.holding > 0 { "edge holding" } else if edge.declared { "edge" } else { "edge inferred" }) d=(path) {} }
}

fn short(name: &str) -> String {
    if name.chars().count() <= NAME { name.to_owned() } else { format!("{}\u{2026}", name.chars().take(NAME - 1).collect::<String>()) }
}
