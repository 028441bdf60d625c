//! The forms of an HTML page and what a browser sends for them.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};
use url::Url;

/// A submission: what a browser sends when a button is pressed.
#[derive(Debug)]
pub(crate) struct Submission {
    /// Where it goes.
    pub(crate) action: Url,
    /// Whether the fields go into the body rather than into the query.
    pub(crate) is_post: bool,
    /// Names and values, in the order of the page.
    pub(crate) fields: Vec<(String, String)>,
}

/// What to do with the forms that are met.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What to type, by the name of the field.
    pub(crate) fields: BTreeMap<String, String>,
    /// Which button to press, by its name, value or label, best first.
    pub(crate) buttons: Vec<String>,
}

impl Answers {
    /// Fills in and submits a form of `page`, which came from `url`.
    ///
    /// That is the form with a preferred button, or else the first one.
    ///
    /// # Errors
    ///
    /// A sentence that says why no form can be submitted.
    pub(crate) fn submit(&self, url: &Url, page: &str) -> Result<Submission, String> {
        let page = Html::parse_document(page);
        let base = base(&page, url);
        let forms: Vec<_> = page.select(&selector("form")).collect();
        let (form, button) = self
            .preferred(&forms)
            .or_else(|| forms.first().map(|form| (*form, first_button(*form))))
            .ok_or("the page has no form")?;

        let mut fields = Vec::new();
        for control in form.select(&selector("input, textarea, select")) {
            fields.extend(self.value(control)?);
        }
        fields.extend(button.and_then(named_value));
        let from_either = |of_button, of_form| {
            let set = button.and_then(|button| button.attr(of_button));
            set.or_else(|| form.attr(of_form)).unwrap_or("")
        };
        Ok(Submission {
            action: base
                .join(from_either("formaction", "action"))
                .map_err(|error| format!("the form's action is no URL: {error}"))?,
            is_post: from_either("formmethod", "method").eq_ignore_ascii_case("post"),
            fields,
        })
    }

    fn preferred<'page>(
        &self,
        forms: &[ElementRef<'page>],
    ) -> Option<(ElementRef<'page>, Option<ElementRef<'page>>)> {
        let buttons: Vec<_> = forms
            .iter()
            .flat_map(|form| buttons(*form).map(|button| (*form, button)))
            .collect();
        self.buttons.iter().find_map(|wanted| {
            let found = buttons
                .iter()
                .find(|(_, button)| answers_to(*button, wanted));
            found.map(|(form, button)| (*form, Some(*button)))
        })
    }

    /// The name and value that `control` contributes to a submission.
    fn value(&self, control: ElementRef<'_>) -> Result<Option<(String, String)>, String> {
        let Some(name) = control.attr("name").filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if control.attr("disabled").is_some() {
            return Ok(None);
        }
        let preset = match kind(control).as_str() {
            "submit" | "image" | "button" | "reset" | "file" => return Ok(None),
            "hidden" => return Ok(named_value(control)),
            "checkbox" | "radio" => {
                let value = control.attr("value").unwrap_or("on");
                let chosen = match self.fields.get(name) {
                    Some(wanted) => wanted == value,
                    None => control.attr("checked").is_some(),
                };
                return Ok(chosen.then(|| (name.to_owned(), value.to_owned())));
            }
            "select" => chosen_option(control),
            "textarea" => control.text().collect(),
            _ => control.attr("value").unwrap_or("").to_owned(),
        };
        let value = self.fields.get(name).cloned().unwrap_or(preset);
        if value.is_empty() && control.attr("required").is_some() {
            return Err(format!(
                "the form requires `{name}`, for which no answer is given"
            ));
        }
        Ok(Some((name.to_owned(), value)))
    }
}

fn base(page: &Html, url: &Url) -> Url {
    page.select(&selector("base[href]"))
        .find_map(|base| url.join(base.attr("href")?).ok())
        .unwrap_or_else(|| url.clone())
}

fn buttons(form: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    let controls: Vec<_> = form.select(&selector("button, input")).collect();
    controls.into_iter().filter(|control| {
        let submits = matches!(kind(*control).as_str(), "submit" | "image");
        submits && control.attr("disabled").is_none()
    })
}

fn first_button(form: ElementRef<'_>) -> Option<ElementRef<'_>> {
    buttons(form).next()
}

fn answers_to(button: ElementRef<'_>, wanted: &str) -> bool {
    let label: String = button.text().collect();
    [
        button.attr("name"),
        button.attr("value"),
        Some(label.trim()),
    ]
    .into_iter()
    .flatten()
    .any(|name| name.eq_ignore_ascii_case(wanted))
}

/// The type of a control; for a control without types, its tag.
fn kind(control: ElementRef<'_>) -> String {
    let default = match control.value().name() {
        "button" => "submit",
        "input" => "text",
        tag => return tag.to_owned(),
    };
    control.attr("type").unwrap_or(default).to_ascii_lowercase()
}

fn named_value(control: ElementRef<'_>) -> Option<(String, String)> {
    let name = control.attr("name").filter(|name| !name.is_empty())?;
    let value = control.attr("value").unwrap_or("");
    Some((name.to_owned(), value.to_owned()))
}

fn chosen_option(select: ElementRef<'_>) -> String {
    let options: Vec<_> = select.select(&selector("option")).collect();
    let chosen = options
        .iter()
        .find(|option| option.attr("selected").is_some())
        .or_else(|| options.first());
    chosen.map_or_else(String::new, |option| {
        let label = || option.text().collect::<String>().trim().to_owned();
        option.attr("value").map_or_else(label, str::to_owned)
    })
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("the selectors of this file are well-formed")
}
