//! The connections that are open, and which of them take turns.

use std::net::{Shutdown, TcpStream};

use super::connection::Conversation;

/// Names a connection to the kernel and back. A slot is used again; its generation tells the late news of an
/// old connection from those of the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Place in the pool.
    pub slot: u32,
    generation: u32,
}

impl Token {
    /// As 56 bits: what fits into an epoll datum or a `user_data` beside 8 bits of an engine's own.
    pub fn to_bits(self) -> u64 {
        u64::from(self.generation & 0xff_ffff) << 32 | u64::from(self.slot)
    }

    /// The other way; the upper 8 bits are ignored.
    pub fn from_bits(bits: u64) -> Self {
        Self { slot: bits as u32, generation: (bits >> 32) as u32 & 0xff_ffff }
    }
}

/// What a connection is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends requests.
    Active,
    /// Is open and does nothing.
    Idle,
    /// Closes as soon as its answers are in.
    Leaving,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// The socket, non-blocking.
    pub socket: TcpStream,
    /// The port on this side.
    pub port: u16,
    /// What it is there for.
    pub role: Role,
    /// What was said on it.
    pub talk: Conversation,
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// All open connections.
#[derive(Debug, Default)]
pub struct Pool {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Slots of the active ones, in the order of their turns.
    active: Vec<u32>,
    turn: usize,
    open: u32,
    leaving: u32,
    /// Connections ever opened: the next one's id.
    opened: u32,
}

impl Pool {
    /// The connection in this slot.
    pub fn at(&mut self, slot: u32) -> Option<(Token, &mut Connection)> {
        let place = self.slots.get_mut(slot as usize)?;
        let token = Token { slot, generation: place.generation };
        place.connection.as_mut().map(|connection| (token, connection))
    }

    /// The connection of this name, unless it is gone.
    pub fn get(&mut self, token: Token) -> Option<&mut Connection> {
        let place = self.slots.get_mut(token.slot as usize)?;
        place.connection.as_mut().filter(|_| place.generation == token.generation)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.slots.iter_mut().filter_map(|slot| slot.connection.as_mut())
    }

    /// How many are open.
    pub fn open(&self) -> u32 {
        self.open
    }

    /// How many are open and not about to leave.
    pub fn staying(&self) -> u32 {
        self.open - self.leaving
    }

    /// Slots of those that send requests.
    pub fn active(&self) -> &[u32] {
        &self.active
    }

    /// Slot of the active connection whose turn it is; the next one is next.
    pub fn next_in_turn(&mut self) -> Option<u32> {
        if self.turn >= self.active.len() {
            self.turn = 0;
        }
        let slot = self.active.get(self.turn).copied();
        self.turn += 1;
        slot
    }

    /// Slots of those that wait for answers.
    pub fn unanswered(&self) -> Vec<u32> {
        let waits = |slot: &Slot| slot.connection.as_ref().is_some_and(|c| c.talk.unanswered() > 0);
        (0..).zip(&self.slots).filter(|(_, slot)| waits(slot)).map(|(index, _)| index).collect()
    }

    /// Takes a connection in: an active one as long as there are fewer than `active_wanted`.
    pub fn add(&mut self, socket: TcpStream, port: u16, active_wanted: u32) -> Token {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let role = if (self.active.len() as u32) < active_wanted { Role::Active } else { Role::Idle };
        if role == Role::Active {
            self.active.push(slot);
        }
        let place = &mut self.slots[slot as usize];
        place.generation = (place.generation + 1) & 0xff_ffff;
        place.connection = Some(Connection { socket, port, role, talk: Conversation::new(self.opened) });
        self.opened = self.opened.wrapping_add(1);
        self.open += 1;
        Token { slot, generation: place.generation }
    }

    /// Closes a connection.
    pub fn remove(&mut self, slot: u32) -> Option<Connection> {
        let place = self.slots.get_mut(slot as usize)?;
        let connection = place.connection.take()?;
        // Requests that io_uring holds on a socket keep it open beyond close(2); this ends them. It fails
        // where the connection is gone already, which is as well.
        let _ = connection.socket.shutdown(Shutdown::Both);
        self.free.push(slot);
        self.open -= 1;
        match connection.role {
            Role::Active => self.active.retain(|&other| other != slot),
            Role::Leaving => self.leaving -= 1,
            Role::Idle => {}
        }
        Some(connection)
    }

    /// Gives out the roles for a new load; with `all_new` nobody stays. Those that were active stay so as
    /// far as possible. Answers the slots of those that leave.
    pub fn adjust(&mut self, active: u32, idle: u32, all_new: bool) -> Vec<u32> {
        let mut staying: Vec<u32> = self.active.clone();
        staying.extend(self.with_role(Role::Idle));
        let stay = if all_new { 0 } else { staying.len().min((active + idle) as usize) };
        let leaving = staying.split_off(stay);
        self.active = staying.iter().copied().take(active as usize).collect();
        for (index, &slot) in (0..).zip(&staying) {
            self.set_role(slot, if index < active { Role::Active } else { Role::Idle });
        }
        for &slot in &leaving {
            self.set_role(slot, Role::Leaving);
        }
        self.leaving += leaving.len() as u32;
        leaving
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = u32> {
        (0..).zip(&self.slots).filter_map(move |(index, slot)| {
            slot.connection.as_ref().filter(|connection| connection.role == role).map(|_| index)
        })
    }

    fn set_role(&mut self, slot: u32, role: Role) {
        if let Some((_, connection)) = self.at(slot) {
            connection.role = role;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn pool(connections: u32, active: u32) -> Pool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut pool = Pool::default();
        for port in 0..connections {
            let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            pool.add(socket, port as u16, active);
        }
        pool
    }

    #[test]
    fn turns_go_round() {
        let mut pool = pool(4, 3);
        let turns: Vec<_> = (0..5).filter_map(|_| pool.next_in_turn()).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1]);
        pool.remove(1);
        let turns: Vec<_> = (0..3).filter_map(|_| pool.next_in_turn()).collect();
        assert_eq!(turns, [0, 2, 0]);
    }

    #[test]
    fn news_of_an_old_connection_find_nobody() {
        let mut pool = pool(1, 1);
        let (old, _) = pool.at(0).unwrap();
        let connection = pool.remove(0).unwrap();
        assert!(pool.get(old).is_none());
        let new = pool.add(connection.socket, 1, 1);
        assert_eq!(new.slot, old.slot);
        assert!(pool.get(old).is_none());
        assert!(pool.get(Token::from_bits(new.to_bits() | 7 << 56)).is_some());
    }

    #[test]
    fn a_new_load_changes_roles_before_it_closes_anything() {
        let mut pool = pool(4, 4);
        assert!(pool.adjust(2, 2, false).is_empty());
        assert_eq!((pool.active(), pool.staying()), (&[0, 1][..], 4));
        assert_eq!(pool.adjust(3, 0, false), [3]);
        assert_eq!((pool.active(), pool.staying(), pool.open()), (&[0, 1, 2][..], 3, 4));
        assert_eq!(pool.adjust(3, 0, true), [0, 1, 2]);
        assert_eq!((pool.active().len(), pool.staying()), (0, 0));
    }
}
