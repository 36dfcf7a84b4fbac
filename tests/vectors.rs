//! dev check
use affect::features::egemaps::{plan::Plan, row::*, statistics::Statistics, stream::*};
struct C { s: Statistics, rows: Vec<[f32;25]> }
impl Sink for C {
    fn short(&mut self,_:u64,r:&ShortRow){ self.s.short(r); }
    fn voice(&mut self,_:u64,r:&VoiceRow,c:bool){ if c { self.s.voice(r); } }
    fn lld(&mut self,_:u64,r:&LldRow){ self.rows.push(r.columns); }
}
#[test]
fn dump(){
    let dir="/work/shared/reference/egemaps/audio"; std::fs::create_dir_all("/tmp/w/out").unwrap();
    for e in std::fs::read_dir(dir).unwrap(){ let p=e.unwrap().path(); let b=std::fs::read(&p).unwrap();
        let s:Vec<f32>=b[44..].chunks_exact(2).map(|c| i16::from_le_bytes([c[0],c[1]]) as f32/32767.0).collect();
        let mut st=Stream::new(Plan::shared(), StreamOptions{lld:true,end_rules:true}); let mut c=C{s:Default::default(),rows:vec![]};
        let mut r=&s[..]; while !r.is_empty(){ let n=st.push(r,&mut c); r=&r[n..]; } st.finish(&mut c);
        let name=p.file_stem().unwrap().to_str().unwrap();
        let l:Vec<String>=c.rows.iter().map(|r| r.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(",")).collect();
        std::fs::write(format!("/tmp/w/out/{name}.lld.csv"), l.join("\n")).unwrap();
        let f=c.s.finish(); std::fs::write(format!("/tmp/w/out/{name}.func.csv"), f.values.iter().map(|v| format!("{:?}", v.unwrap_or(f64::NAN))).collect::<Vec<_>>().join(",")).unwrap();
    }
}
