//! Where definitions come from.

pub(super) const OWN: &str = "this software; weights fitted on speech, see docs/methods.md";
pub(super) const TEXTBOOK: &str = "textbook definition";
pub(super) const PITCH: &str = "Hermes, Measurement of pitch by subharmonic summation, JASA 83(1), 1988; Camacho and Harris, A sawtooth waveform inspired pitch estimator, JASA 124(3), 2008; Licklider, A duplex theory of pitch perception, Experientia 7, 1951; Boersma, Accurate short-term analysis of the fundamental frequency, IFA Proceedings 17, 1993; combined and chosen by measurement, see docs/methods.md";
pub(super) const LOUDNESS: &str =
    "Hermansky, Perceptual linear predictive analysis of speech, JASA 87(4), 1990, as in Eyben et al. 2016";
pub(super) const GEMAPS: &str = "Eyben et al., The Geneva Minimalistic Acoustic Parameter Set, IEEE Transactions on Affective Computing 7(2), 2016; here independent of gain";
pub(super) const HAMMARBERG: &str =
    "Hammarberg et al., Perceptual and acoustic correlates of abnormal voice qualities, Acta Otolaryngologica 90, 1980";
pub(super) const BOERSMA: &str = "Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound, IFA Proceedings 17, 1993";
pub(super) const CPPS: &str = "Hillenbrand and Houde, Acoustic correlates of breathy vocal quality, JSHR 39(2), 1996";
pub(super) const ISELI: &str = "Iseli, Shue and Alwan, Age, sex, and vowel dependencies of acoustic measures related to the voice source, JASA 121(4), 2007";
pub(super) const PRAAT_PERTURBATION: &str = "Boersma, Should jitter be measured by peak picking or by waveform matching?, Folia Phoniatrica et Logopaedica 61(5), 2009";
pub(super) const FORMANTS: &str = "Makhoul, Spectral linear prediction, IEEE Trans. ASSP 23(3), 1975; Talkin, Speech formant trajectory estimation using dynamic programming, JASA 82(S1), 1987; Olive, Automatic formant tracking by a Newton-Raphson technique, JASA 50(2B), 1971";
pub(super) const MFCC: &str = "Davis and Mermelstein, Comparison of parametric representations for monosyllabic word recognition, IEEE Trans. ASSP 28(4), 1980";
pub(super) const NUCLEI: &str = "de Jong and Wempe, Praat script to detect syllable nuclei and measure speech rate automatically, Behavior Research Methods 41(2), 2009; here on 10 ms rows";
pub(super) const NPVI: &str = "Grabe and Low, Durational variability in speech and the rhythm class hypothesis, Laboratory Phonology 7, 2002, on intervals between nuclei";
pub(super) const MODULATION: &str = "Houtgast and Steeneken, A review of the MTF concept in room acoustics, JASA 77(3), 1985; octave bands of the envelope";
pub(super) const DISPERSION: &str = "Fitch, Vocal tract length and formant frequency dispersion correlate with body size in rhesus macaques, JASA 102(2), 1997";
