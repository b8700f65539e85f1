"""The frames that terminals, satellites, gateways and PoPs emit, column by column.

A frame's rows are samples of one kind. A satellite, a gateway or a PoP has parts of different grain (a satellite has
four lasers and many beams), so each grain is a layout of its own on the same topic.
"""

from ingest.contract.columns import Array, Column, Layout
from ingest.contract.vocabulary import (
    AttachmentKind,
    DetachReason,
    Egress,
    EncryptionState,
    InstallState,
    LaserDirection,
    LaserState,
    MitigationState,
    NetworkType,
    SatelliteLifecycle,
    StandbyState,
    TerminalAlert,
    TerminalState,
    Underlay,
)

INDEX_LIMIT = 2**31 - 1
# 2020-01-01 to 2100-01-01: an instant outside is a wrong unit or a dead clock, whatever the door's own clock says.
EARLIEST_AT_NS = 1_577_836_800_000_000_000
LATEST_AT_NS = 4_102_444_800_000_000_000


def _index(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name=name, dtype="i4", required=required, minimum=0, maximum=INDEX_LIMIT, description=description)


def _ratio(name: str, description: str) -> Column:
    return Column(name=name, dtype="f4", minimum=0, maximum=1, resolution=0.001, description=description)


_OBSERVED_AT = Column(
    name="observed_at_ns",
    dtype="i8",
    required=True,
    minimum=EARLIEST_AT_NS,
    maximum=LATEST_AT_NS,
    resolution=1_000_000,
    description="When the source measured, by its own clock.",
)

TERMINAL = Layout(
    kind="terminal",
    version=1,
    description="One sample of one terminal.",
    columns=(
        _index("terminal_index", "The terminal, as the inventory numbers it.", required=True),
        Column(
            name="boot_count",
            dtype="i4",
            required=True,
            minimum=0,
            maximum=INDEX_LIMIT,
            description="Boots since manufacture; sequences start anew at each.",
        ),
        Column(
            name="sequence",
            dtype="i4",
            required=True,
            minimum=0,
            maximum=INDEX_LIMIT,
            description="Number of the sample since boot, without holes at the source.",
        ),
        _OBSERVED_AT,
        Column(
            name="state",
            dtype="i1",
            required=True,
            choices=TerminalState,
            description="What the terminal knows of its own service.",
        ),
        _index("serving_satellite_index", "Satellite that carries the terminal."),
        _index("beam_id", "Beam of that satellite."),
        _index("gateway_index", "Gateway where its traffic lands."),
        _index("pop_index", "PoP where its traffic leaves."),
        Column(
            name="snr_db",
            dtype="f4",
            minimum=-30,
            maximum=40,
            resolution=0.1,
            description="Signal to noise of the downlink.",
        ),
        Column(
            name="pop_ping_latency_ms",
            dtype="f4",
            minimum=0,
            maximum=60_000,
            resolution=0.1,
            description="Mean round trip to the PoP over the sample's interval.",
        ),
        _ratio("pop_ping_drop_ratio", "Share of pings to the PoP lost in the sample's interval."),
        Column(
            name="downlink_throughput_bps",
            dtype="f4",
            minimum=0,
            maximum=2e10,
            resolution=1000,
            description="Traffic towards the terminal.",
        ),
        Column(
            name="uplink_throughput_bps",
            dtype="f4",
            minimum=0,
            maximum=2e10,
            resolution=1000,
            description="Traffic from the terminal.",
        ),
        Column(
            name="downlink_bytes_total",
            dtype="i8",
            minimum=0,
            maximum=2**62,
            description="Bytes towards the terminal since its counter started.",
        ),
        Column(
            name="uplink_bytes_total",
            dtype="i8",
            minimum=0,
            maximum=2**62,
            description="Bytes from the terminal since its counter started.",
        ),
        Column(
            name="tilt_angle_deg",
            dtype="f4",
            minimum=0,
            maximum=180,
            resolution=0.1,
            description="Boresight away from zenith.",
        ),
        Column(
            name="boresight_azimuth_deg",
            dtype="f4",
            minimum=0,
            maximum=360,
            resolution=0.1,
            description="Where the face points, clockwise from true north.",
        ),
        Column(
            name="boresight_elevation_deg",
            dtype="f4",
            minimum=-90,
            maximum=90,
            resolution=0.1,
            description="Where the face points, above the horizon.",
        ),
        Column(
            name="attitude_uncertainty_deg",
            dtype="f4",
            minimum=0,
            maximum=180,
            resolution=0.1,
            description="The attitude filter's own doubt.",
        ),
        Column(
            name="attitude_converged",
            dtype="i1",
            minimum=0,
            maximum=1,
            description="1 once the attitude filter has settled.",
        ),
        Column(
            name="desired_boresight_azimuth_deg",
            dtype="f4",
            minimum=0,
            maximum=360,
            resolution=0.1,
            description="Where the face should point.",
        ),
        Column(
            name="desired_boresight_elevation_deg",
            dtype="f4",
            minimum=-90,
            maximum=90,
            resolution=0.1,
            description="Where the face should point.",
        ),
        Column(name="install_state", dtype="i1", choices=InstallState, description="Commissioning state."),
        _index("address_index", "Address lease in use; a change is an address change."),
        Column(
            name="standby_underlay_state",
            dtype="i1",
            choices=StandbyState,
            description="Health of the path that stands by.",
        ),
        _ratio("obstruction_ratio", "Share of the sky in view that is blocked."),
        Column(
            name="temperature_celsius",
            dtype="f4",
            minimum=-90,
            maximum=150,
            resolution=0.5,
            description="Of the antenna's board.",
        ),
        Column(name="power_w", dtype="f4", minimum=0, maximum=2_000, resolution=1, description="Power drawn."),
        Column(
            name="latitude_deg",
            dtype="f4",
            minimum=-90,
            maximum=90,
            resolution=0.0001,
            description="Position, WGS 84; sent when it changes.",
        ),
        Column(
            name="longitude_deg",
            dtype="f4",
            minimum=-180,
            maximum=180,
            resolution=0.0001,
            description="Position, WGS 84; sent when it changes.",
        ),
        Column(name="speed_mps", dtype="f4", minimum=0, maximum=400, resolution=0.1, description="Speed over ground."),
        Column(
            name="modcod", dtype="i1", minimum=0, maximum=63, description="Modulation and coding step of the downlink."
        ),
        Column(
            name="ethernet_speed_bps",
            dtype="i8",
            minimum=0,
            maximum=10**11,
            description="Negotiated rate of the Ethernet port.",
        ),
        Column(
            name="network_type", dtype="i1", choices=NetworkType, description="Where its traffic is meant to leave."
        ),
        Column(
            name="active_underlay",
            dtype="i1",
            choices=Underlay,
            description="The path that carries the site's traffic.",
        ),
        Column(
            name="alerts",
            dtype="i4",
            minimum=0,
            maximum=2**22 - 1,
            choices=TerminalAlert,
            description="Alert bits, set if met at least once in the interval.",
        ),
        Column(
            name="encryption_state",
            dtype="i1",
            choices=EncryptionState,
            description="Envelope encryption from terminal to PoP.",
        ),
    ),
)

ATTACHMENT = Layout(
    kind="attachment",
    version=1,
    description="A terminal attached to, or detached from, a gateway; copied by the door into the terminal's shard.",
    columns=(
        _index("terminal_index", "The terminal.", required=True),
        _OBSERVED_AT,
        _index("gateway_index", "The gateway that says so.", required=True),
        Column(name="attached", dtype="i1", required=True, minimum=0, maximum=1, description="1 attached, 0 detached."),
        Column(
            name="detach_reason",
            dtype="i1",
            choices=DetachReason,
            description="Why a terminal was let go; a gateway that carries no traffic says so itself.",
        ),
    ),
)

CONTROL = Layout(
    kind="control",
    version=1,
    description="A plan, an inventory, a maintenance window or a threshold that takes effect, said in a shard's own order.",
    columns=(
        Column(
            name="effective_at_ns",
            dtype="i8",
            required=True,
            minimum=EARLIEST_AT_NS,
            maximum=LATEST_AT_NS,
            description="From when it holds, by observed time.",
        ),
    ),
)

SATELLITE = Layout(
    kind="satellite",
    version=1,
    description="One satellite, every 10 s.",
    columns=(
        _index("satellite_index", "The satellite.", required=True),
        _OBSERVED_AT,
        Column(name="lifecycle", dtype="i1", required=True, choices=SatelliteLifecycle, description="Stage of life."),
        Column(
            name="position_x_km",
            dtype="f8",
            minimum=-1e5,
            maximum=1e5,
            resolution=0.001,
            description="Earth-fixed position.",
        ),
        Column(
            name="position_y_km",
            dtype="f8",
            minimum=-1e5,
            maximum=1e5,
            resolution=0.001,
            description="Earth-fixed position.",
        ),
        Column(
            name="position_z_km",
            dtype="f8",
            minimum=-1e5,
            maximum=1e5,
            resolution=0.001,
            description="Earth-fixed position.",
        ),
        Column(
            name="velocity_x_kmps",
            dtype="f4",
            minimum=-20,
            maximum=20,
            resolution=0.00001,
            description="Earth-fixed velocity.",
        ),
        Column(
            name="velocity_y_kmps",
            dtype="f4",
            minimum=-20,
            maximum=20,
            resolution=0.00001,
            description="Earth-fixed velocity.",
        ),
        Column(
            name="velocity_z_kmps",
            dtype="f4",
            minimum=-20,
            maximum=20,
            resolution=0.00001,
            description="Earth-fixed velocity.",
        ),
        Column(
            name="ephemeris_epoch_at_ns",
            dtype="i8",
            minimum=EARLIEST_AT_NS,
            maximum=LATEST_AT_NS,
            description="Epoch of the ephemeris in use on board.",
        ),
        Column(name="thrusting", dtype="i1", minimum=0, maximum=1, description="1 while the thruster fires."),
        Column(
            name="power_w",
            dtype="f4",
            minimum=0,
            maximum=20_000,
            resolution=1,
            description="Power drawn by the payload.",
        ),
        Column(
            name="temperature_celsius",
            dtype="f4",
            minimum=-150,
            maximum=200,
            resolution=0.5,
            description="Of the payload.",
        ),
    ),
)

LASER = Layout(
    kind="laser",
    version=1,
    description="One of a satellite's four laser links.",
    columns=(
        _index("satellite_index", "The satellite.", required=True),
        _OBSERVED_AT,
        Column(name="direction", dtype="i1", required=True, choices=LaserDirection, description="Which head."),
        Column(name="laser_state", dtype="i1", required=True, choices=LaserState, description="State of the link."),
        _index("peer_satellite_index", "Satellite at the other end."),
        Column(
            name="range_km", dtype="f4", minimum=0, maximum=20_000, resolution=0.1, description="Length of the link."
        ),
        Column(name="rate_bps", dtype="f4", minimum=0, maximum=1e12, resolution=1e6, description="Rate it carries."),
    ),
)

SATELLITE_BEAM = Layout(
    kind="satellite_beam",
    version=1,
    description="One beam of a satellite.",
    columns=(
        _index("satellite_index", "The satellite.", required=True),
        _OBSERVED_AT,
        _index("beam_id", "The beam.", required=True),
        Column(name="cell_id", dtype="i8", minimum=0, description="The h3 cell it lights (resolution 5)."),
        Column(name="beam_on", dtype="i1", required=True, minimum=0, maximum=1, description="1 while it radiates."),
        _index("frequency_id", "Channel and polarisation."),
        _ratio("load_ratio", "Share of its capacity in use."),
    ),
)

GATEWAY = Layout(
    kind="gateway",
    version=1,
    description="One gateway, every second.",
    columns=(
        _index("gateway_index", "The gateway.", required=True),
        _OBSERVED_AT,
        Column(
            name="antennas_in_service_count",
            dtype="i2",
            required=True,
            minimum=0,
            maximum=1000,
            description="Feeder antennas that carry traffic.",
        ),
        Column(
            name="antennas_total_count", dtype="i2", minimum=0, maximum=1000, description="Feeder antennas installed."
        ),
        Column(
            name="feeder_snr_db",
            dtype="f4",
            minimum=-30,
            maximum=60,
            resolution=0.1,
            description="Median of the feeder links in use.",
        ),
        Column(
            name="rain_rate_mmph",
            dtype="f4",
            minimum=0,
            maximum=400,
            resolution=0.1,
            description="Rain gauge at the site.",
        ),
        Column(name="hpa_on", dtype="i1", minimum=0, maximum=1, description="1 while the power amplifiers run."),
        Column(
            name="fibre_a_up",
            dtype="i1",
            required=True,
            minimum=0,
            maximum=1,
            description="First path to the AWS network.",
        ),
        Column(
            name="fibre_b_up",
            dtype="i1",
            required=True,
            minimum=0,
            maximum=1,
            description="Second path to the AWS network.",
        ),
        Column(
            name="throughput_bps",
            dtype="f4",
            minimum=0,
            maximum=1e13,
            resolution=1e6,
            description="Both directions together.",
        ),
        _index("terminals_attached_count", "Terminals attached now."),
        Column(name="macsec_state", dtype="i1", choices=EncryptionState, description="MACsec towards the AWS network."),
    ),
)

GATEWAY_PATH = Layout(
    kind="gateway_path",
    version=1,
    description="Round trip of one gateway to one PoP.",
    columns=(
        _index("gateway_index", "The gateway.", required=True),
        _OBSERVED_AT,
        _index("pop_index", "The PoP.", required=True),
        Column(
            name="round_trip_ms",
            dtype="f4",
            minimum=0,
            maximum=60_000,
            resolution=0.1,
            description="Measured; null while unreachable.",
        ),
    ),
)

GATEWAY_BEAM = Layout(
    kind="gateway_beam",
    version=1,
    description="What a gateway expects and sees of one cell and beam.",
    columns=(
        _index("gateway_index", "The gateway.", required=True),
        _OBSERVED_AT,
        Column(name="cell_id", dtype="i8", required=True, minimum=0, description="The h3 cell (resolution 5)."),
        _index("beam_id", "The beam.", required=True),
        _index("terminals_expected_count", "Terminals that the plan puts here."),
        _index("terminals_attached_count", "Terminals attached here."),
        Column(
            name="uplink_snr_db",
            dtype="f4",
            minimum=-30,
            maximum=40,
            resolution=0.1,
            description="Median of the terminals attached.",
        ),
    ),
)

POP = Layout(
    kind="pop",
    version=1,
    description="One PoP, every second.",
    columns=(
        _index("pop_index", "The PoP.", required=True),
        _OBSERVED_AT,
        Column(
            name="pair_in_service_count",
            dtype="i1",
            required=True,
            minimum=0,
            maximum=2,
            description="Halves of the redundant pair in service.",
        ),
        _ratio("margin_ratio", "Capacity left if the busier half is lost."),
        Column(name="mitigation_state", dtype="i1", choices=MitigationState, description="DDoS scrubbing."),
    ),
)

POP_EGRESS = Layout(
    kind="pop_egress",
    version=1,
    description="One way out of a PoP.",
    columns=(
        _index("pop_index", "The PoP.", required=True),
        _OBSERVED_AT,
        Column(name="egress", dtype="i1", required=True, choices=Egress, description="Which way out."),
        _ratio("loss_ratio", "Probes lost."),
        Column(
            name="round_trip_ms", dtype="f4", minimum=0, maximum=60_000, resolution=0.1, description="Of the probes."
        ),
        Column(
            name="bgp_sessions_up_count", dtype="i2", minimum=0, maximum=10_000, description="Sessions established."
        ),
        Column(
            name="bgp_sessions_total_count", dtype="i2", minimum=0, maximum=10_000, description="Sessions configured."
        ),
        Column(
            name="invalid_routes_count",
            dtype="i4",
            minimum=0,
            maximum=10**7,
            description="Routes whose RPKI validation fails.",
        ),
    ),
)

POP_ATTACHMENT = Layout(
    kind="pop_attachment",
    version=1,
    description="A tenant's private attachment at a PoP.",
    columns=(
        _index("pop_index", "The PoP.", required=True),
        _OBSERVED_AT,
        _index("tenant_index", "The tenant.", required=True),
        Column(
            name="attachment_kind",
            dtype="i1",
            required=True,
            choices=AttachmentKind,
            description="Direct Connect or Transit Gateway.",
        ),
        Column(
            name="attachment_up",
            dtype="i1",
            required=True,
            minimum=0,
            maximum=1,
            description="1 while it carries traffic.",
        ),
        Column(name="bgp_up", dtype="i1", minimum=0, maximum=1, description="1 while its BGP session is established."),
        _ratio("cidr_used_ratio", "Addresses of its CIDR in use."),
    ),
)

LAYOUTS: dict[str, Layout] = {
    layout.kind: layout
    for layout in (
        TERMINAL, ATTACHMENT, CONTROL, SATELLITE, LASER, SATELLITE_BEAM, GATEWAY, GATEWAY_PATH, GATEWAY_BEAM,
        POP, POP_EGRESS, POP_ATTACHMENT,
    )
}  # fmt: skip


def shard_of(terminal_index: Array, shard_count: int) -> Array:
    """Return the shard of each terminal."""
    return terminal_index % shard_count


def place_of(terminal_index: Array, shard_count: int) -> Array:
    """Return each terminal's dense place inside its shard: the index of its state arrays."""
    return terminal_index // shard_count
