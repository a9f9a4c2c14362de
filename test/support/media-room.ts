import {
  JoinResponse,
  ParticipantInfo,
  Room,
  SessionDescription,
  SignalRequest,
  SignalResponse,
} from '@livekit/protocol';
import type { Page, WebSocketRoute } from 'playwright-core';

/**
 * Plays a LiveKit server at the network of a page, as far as its client needs one to join a room: the signalling, and one
 * peer, in a page of its own. No media flow.
 */
export async function playRooms(page: Page, url: RegExp): Promise<void> {
  await page.routeWebSocket(url, async (socket) => letIn(socket, await page.context().newPage()));
}

function letIn(socket: WebSocketRoute, peer: Page): void {
  const send = (message: SignalResponse['message']) =>
    socket.send(Buffer.from(new SignalResponse({ message }).toBinary()));
  socket.onMessage(async (data) => {
    const { message } = SignalRequest.fromBinary(Buffer.from(data));
    if (message.case !== 'answer') return;
    const { type, sdp } = message.value;
    await peer.evaluate(`connection.setRemoteDescription(${JSON.stringify({ type, sdp })})`);
  });
  const joined = new JoinResponse({
    room: new Room({ sid: 'RM_1', name: 'room' }),
    participant: new ParticipantInfo({ sid: 'PA_1', identity: 'page' }),
    serverInfo: { version: '1.8.0', protocol: 15 },
    subscriberPrimary: true,
  });
  send({ case: 'join', value: joined });
  peer.evaluate<string>(OFFER).then((sdp) => {
    send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp }) });
  });
}

/** With all the peer's candidates in it. */
const OFFER = `(async () => {
  globalThis.connection = new RTCPeerConnection();
  connection.createDataChannel('_reliable');
  const gathered = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => { if (!candidate) resolve(); };
  });
  await connection.setLocalDescription(await connection.createOffer());
  await gathered;
  return connection.localDescription.sdp;
})()`;
