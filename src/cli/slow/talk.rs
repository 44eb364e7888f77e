//! Slow motion as a conversation: a line goes on, the stops are told as they come.

use super::command::Command;
use super::told::Told;
use crate::cli::face::print;
use crate::cli::talk::ear::{Ear, Heard};
use crate::lesson::{Lab, LabEvent, Runner};
use crate::servers::{Polls, by_name};
use crate::world::stops::NOTHING_STOPS;

/// Shows the servers of a lab in slow motion until somebody leaves; the number of the run tells its news from that of
/// others. `false` when no more lines come.
pub fn talk(lab: &Lab, runner: &mut dyn Runner, ear: &mut Ear, number: u64) -> anyhow::Result<bool> {
    print(&format!(
        "\nSlow motion of {}. Each answers once before its first stop.\n",
        lab.servers.join(" and ")
    ))?;
    print("Enter goes to the next stop, help lists what else may be typed, q leaves.\n")?;
    for name in
        lab.servers.iter().filter(|name| by_name(name).is_some_and(|one| one.polls == Polls::KernelThread))
    {
        print(&format!("{name}: {NOTHING_STOPS}\n"))?;
    }
    runner.slow(lab, ear.for_run(number)?);
    let mut talk = Talk { runner, told: None, is_live: false, is_back: false };
    let goes_on = loop {
        match ear.listen(None) {
            Heard::Line(line) => match Command::read(&line) {
                Ok(Command::Quit) => break true,
                Ok(command) => talk.obey(command)?,
                Err(says) => print(&format!("{says}\n"))?,
            },
            Heard::Lab(of, event) if of == number => {
                if !talk.hear(event)? {
                    break true;
                }
            }
            Heard::Lab(..) | Heard::Silence => {}
            Heard::End => break false,
        }
    };
    runner.stop();
    Ok(goes_on)
}

struct Talk<'t> {
    runner: &'t mut dyn Runner,
    told: Option<Told>,
    /// Whether servers stand there; else a recording is gone through.
    is_live: bool,
    /// Whether an earlier stop was told last.
    is_back: bool,
}

impl Talk<'_> {
    fn obey(&mut self, command: Command) -> anyhow::Result<()> {
        let Some(told) = &mut self.told else { return print("Nothing has stopped yet.\n") };
        match command {
            Command::Help => print(&Command::help()),
            Command::Back if told.back()? => {
                self.is_back = true;
                Ok(())
            }
            Command::Back => print("This is the first stop.\n"),
            Command::Go(go) if self.is_back || !self.is_live => {
                let any = told.follow(go)?;
                self.is_back = any;
                match (any, self.is_live) {
                    (false, true) => print("That was the newest stop; once more goes on.\n"),
                    (false, false) => print("Nothing later was recorded.\n"),
                    _ => Ok(()),
                }
            }
            Command::Go(go) => {
                self.runner.go(go, None);
                if go == crate::lesson::Go::Free {
                    print("The servers run on their own, request after request; stop stops them again.\n")?;
                }
                Ok(())
            }
            Command::Quit => Ok(()),
        }
    }

    /// Takes news; `false` when it is over.
    fn hear(&mut self, event: LabEvent) -> anyhow::Result<bool> {
        match event {
            LabEvent::Begin(header) => {
                (self.told, self.is_live) = (Some(Told::new(*header)), true);
            }
            LabEvent::Entries(entries) => {
                if let Some(told) = &mut self.told {
                    told.push(entries)?;
                    while !self.is_back && told.forward()? {}
                }
            }
            LabEvent::Recording { trace, why } => {
                let mut told = Told::of(*trace);
                print(&format!("A recorded run of {}: {why}.\n", told.servers().join(" and ")))?;
                told.forward()?;
                self.told = Some(told);
            }
            LabEvent::Over if self.is_live => {
                if let Some(told) = &self.told {
                    told.ends()?;
                }
                print("Slow motion is over.\n")?;
                return Ok(false);
            }
            LabEvent::Over => {}
            LabEvent::Failed(why) => {
                print(&format!("Slow motion is not possible here: {why}\n"))?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}
